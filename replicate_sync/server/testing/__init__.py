"""What a server offers to tests: scripted models, faults, and the log of the requests that came in.

The middleware applies faults and keeps the log, so that the routes know nothing of either.
"""
