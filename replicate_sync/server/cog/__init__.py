"""Cog predictors behind the server: where one is, its process, its HTTP API, and its schemas.

`signature` and `supervisor` are programs of their own, which run in the Python that has Cog.
Nothing else here imports Cog, and nothing here knows the server's routes.
"""
