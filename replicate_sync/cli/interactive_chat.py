"""A conversation in the shell: questions, replies, and commands that begin with a slash."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

from ..chats.conversation import Conversation
from ..exceptions import InvalidInputError, ReplicateError
from ..payloads.saving import expanded
from .echo import echo
from .error_messages import show_error
from .exit_codes import FAILED, exit_code
from .output import write_text

_HELP = """\
/image PATH  send a picture, by its path or URL, with the next message
/model NAME  go on with another model; without NAME, show the present one
/save PATH   save the conversation as JSON
/undo        forget the last message and its reply
/help        show this
An empty line or Ctrl-D ends the conversation; Ctrl-C stops a reply."""
_COMMAND = re.compile(r"/(?P<name>[a-z]+)(?:\s+(?P<argument>.*))?")


class InteractiveChat:
    """Questions and replies, each sent with everything before it.

    Args:
        conversation: Keeps the turns.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._images: list[object] = []
        self._commands = {
            "help": self._help,
            "image": self._add_image,
            "model": self._change_model,
            "save": self._save,
            "undo": self._undo,
        }

    def run(self, first_question: str | None) -> None:
        """Reply until there are no more questions."""
        _note(
            f"Chatting with {self._conversation.model}. An empty line or Ctrl-D ends it; "
            "/help lists the commands."
        )
        question = first_question or _read_question()
        while question.strip():
            command = _COMMAND.fullmatch(question.strip())
            if command:
                self._execute(command["name"], (command["argument"] or "").strip())
            else:
                self._ask(question)
            question = _read_question()

    def _ask(self, question: str) -> None:
        is_first = not self._conversation.messages and not self._images
        images = self._images
        self._images = []
        try:
            write_text(self._conversation.send(question, images=images), as_json=False)
        except KeyboardInterrupt:
            _note("\n(The reply was stopped.)")
        except ReplicateError as error:
            if is_first and exit_code(error) != FAILED:
                raise  # the next question would fail as well
            show_error(error, as_json=False)

    def _execute(self, name: str, argument: str) -> None:
        command = self._commands.get(name)
        if command is None:
            _note(f"There is no command /{name}.\n{_HELP}")
            return
        try:
            command(argument)
        except ReplicateError as error:
            show_error(error, as_json=False)

    def _help(self, argument: str) -> None:
        _note(_HELP)

    def _add_image(self, argument: str) -> None:
        name = argument.strip("'\"")
        if not name:
            raise InvalidInputError("/image needs the path or URL of a picture.")
        image: object = name
        if not name.startswith(("https://", "http://", "data:")):
            path = Path(expanded(name))
            if not path.is_file():
                raise InvalidInputError(f"There is no file {name}.")
            image = path
        self._images.append(image)
        _note(f"({name} goes with your next message.)")

    def _change_model(self, argument: str) -> None:
        if argument:
            self._conversation.change_model(argument)
        _note(f"(The model is {self._conversation.model}.)")

    def _save(self, argument: str) -> None:
        if not argument:
            raise InvalidInputError("/save needs the name of a file.")
        path = self._conversation.save(argument.strip("'\""))
        _note(f"(Saved as {path}.)")

    def _undo(self, argument: str) -> None:
        if self._conversation.undo():
            _note("(The last message is forgotten.)")
        else:
            _note("(There is nothing to forget.)")


def is_terminal() -> bool:
    """Return whether a person reads and types."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _note(text: str) -> None:
    echo(text, err=True)


def _read_question() -> str:
    """Return the next question; "" at the end of the input, and at Ctrl-C."""
    try:
        if is_terminal():
            with suppress(ImportError):
                # Makes input() a line that can be edited, with a history.
                import readline  # noqa: F401
            return input("> ")
        if sys.stdin.isatty():
            echo("> ", nl=False, err=True)
        return sys.stdin.readline().rstrip("\n")
    except (EOFError, KeyboardInterrupt):
        echo(err=True)
        return ""
