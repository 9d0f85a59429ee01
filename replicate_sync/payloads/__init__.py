"""Payloads: what a model takes and what it returns, between Python values and the API's JSON.

Here live the validation of inputs and the files in them, the parsing of outputs and the files that
a model made, the schemas that decide both, and the two forms in which a chat is sent: one prompt,
and generation parameters under a model's own names. Nothing here knows what a prediction is, or
creates one; the only requests are for schemas and for the content of output files.
"""
