"""The HTTP API: one module for each group of routes, and what they share to parse requests and serialize responses.

Routes know the server as a `ServerContext` only. What the API is about (jobs, models, files) lives in the package above,
and imports nothing from here.
"""
