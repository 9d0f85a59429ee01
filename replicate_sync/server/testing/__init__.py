"""What a server offers to tests: scripted models, faults, and the log of its requests.

The middleware applies the faults and keeps the log, so that the routes know nothing of either.
"""
