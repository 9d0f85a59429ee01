"""The exit codes of the command, and which error ends with which one."""

from __future__ import annotations

from ..exceptions import (
    AuthenticationError,
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    PredictionTimeout,
)

FAILED = 1
SOME_FAILED = 5

_CLASSES: dict[int, tuple[type[Exception], ...]] = {
    2: (InvalidInputError, ModelNotFoundError),
    3: (MissingAuthError, AuthenticationError),
    4: (PredictionTimeout,),
}
HELP = """\b
Exit codes:
  0    the result is there
  1    the model, the API or a file failed, or nobody read the output to its end
  2    wrong usage, or an input that does not fit; nothing ran
  3    no token, or a token that was refused
  4    the prediction is still running, and --timeout is over
  5    some inputs of a map failed; the others have their results
  130  Ctrl-C; likewise 129 for SIGHUP, 143 for SIGTERM
"""


def exit_code(error: Exception) -> int:
    """Return the exit code for an error."""
    for code, classes in _CLASSES.items():
        if isinstance(error, classes):
            return code
    return FAILED


def exit_code_of_signal(number: int) -> int:
    """Return the exit code of a command that a signal has ended, as a shell counts it."""
    return 128 + number
