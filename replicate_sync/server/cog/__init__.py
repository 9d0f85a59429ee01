"""Cog predictors behind the server: finding one, its process, its HTTP API, and its schemas and values.

`signature` and `supervisor` are programs of their own, which run in the Python that has Cog. Nothing else here imports Cog.
"""
