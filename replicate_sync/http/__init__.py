"""HTTP: requests go out to the API and to file hosts, and come back as values or exceptions.

Here live the connection pool, the token, retries of a single request, downloads, pages of lists,
and the decision which response or failure is which exception. Nothing here knows what a prediction
is, and nothing here displays anything: whoever wants a progress bar passes `on_bytes`.
"""
