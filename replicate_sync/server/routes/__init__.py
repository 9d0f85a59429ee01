"""The HTTP API: a module for each group of routes, and what they share.

Routes parse and validate requests, change the state of the server, and serialize it into
responses. They know the server as a `ServerContext` only. The state itself (jobs, models, files)
lives in the package above, and imports nothing from here.
"""
