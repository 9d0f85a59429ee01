"""The resources of the API: one file for each, its record beside its operations.

An operation is one method, path and body; its name is the API's operation id. What they have in
common is in `base`. How a request is sent, and how a prediction is waited for, is not known here.
"""
