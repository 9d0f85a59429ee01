"""Display: what people see of predictions, their files and their texts.

Here live the HTML and plain text of a notebook's outputs, galleries of files, Markdown that is
safe to render, progress bars, and the parsing of progress in a model's logs. Nothing here sends a
request or knows a client: what is displayed is passed in, with the attributes that a `Protocol`
names. Of the rest of the package, only `exceptions` may be imported here. IPython is never
imported, as it is already loaded wherever a notebook runs; tqdm is imported when the first progress
bar starts.
"""
