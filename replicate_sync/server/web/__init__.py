"""The web page of a server: its models as forms, its predictions live, its requests and webhooks.

Pages are rendered by Jinja, which escapes what models and clients wrote, and are kept up to date by
server-sent events. Scripts and styles are the files in `static`, and the Content-Security-Policy
allows no others. What a page shows is in a module of its own name; `forms`, `snippets` and
`output_views` are pure. Everything works without JavaScript, except that nothing moves.
"""
