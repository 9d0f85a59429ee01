"""What passes between a client and the API, written to one file, and played back from it.

`recorder` passes requests on to another server and writes down what comes back; `replay` responds
from such a file and sends nothing anywhere. `exchanges` is the form of the file, `redaction` what
never gets into it, `rewriting` the URLs in bodies, and `upstream` the connection to the API.
"""
