"""The peers: each module's `Peer` does the same tasks, as the users of its library would do them.

`IMPORT` is the line that its users begin with, `PROGRAM` a whole program that streams a text up to
its first token: it finds `url`, `ref`, `plan` and `token` defined, and calls `done()` when the
token is there.
"""
