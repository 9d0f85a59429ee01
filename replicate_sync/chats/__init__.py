"""Chats: one reply, an answer of a given form, and a conversation of many turns.

What a model is sent is decided in `payloads`, and how its text arrives in `prediction`; here the
two are put together. Nothing here knows a client's class, HTTP, or a terminal.
"""
