"""One prediction: how it is created once, polled, streamed, canceled, and how it ends.

`prediction` and `training` are what people hold, `create` makes them, `event_stream` and
`transcript` follow what a model writes, `outcomes` says which exception an outcome is. Which
operations the API has is not known here, but in `resources`.
"""
