"""Runs programs that are read from stdin, one JSON line each, and writes what they print as JSON.

It runs in the official client's own environment, and so imports nothing of this project.
"""

import contextlib
import io
import json
import os
import sys
import warnings


def run(program):
    """Return what a program prints; an error that it does not catch is its last line."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "replicate"]:
        del sys.modules[name]
    variables = dict(os.environ)
    os.environ.update(program["environment"])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(program["source"], "program", "exec"), {"__name__": "__main__"})
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        finally:
            os.environ.clear()
            os.environ.update(variables)
    return printed.getvalue()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
