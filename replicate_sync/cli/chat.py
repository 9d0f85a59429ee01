"""`replicate-sync chat`: one answer, or a conversation."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import click

from ..client import Replicate
from ..errors import ReplicateError
from . import values
from .calling import calling, complete_model, inputs_of
from .endings import FAILED, code, tell
from .results import told


@click.command(short_help="Ask a language model.")
@click.argument("prompt", required=False)
@click.option("-i", "--interactive", is_flag=True, help="Hold a conversation; a PROMPT is its first message.")
@click.option(
    "-m",
    "--model",
    default=Replicate.default_model,
    show_default=True,
    metavar="MODEL",
    shell_complete=complete_model,
    help="Which language model.",
)
@click.option("-s", "--system", "system_prompt", help="What the model is told before all else.")
@click.option("--max-tokens", type=int, help="How long the answer may be.")
@click.option("--temperature", type=float, help="How freely it chooses its words: 0 takes the likeliest.")
@click.option("--top-p", type=float, help="Choose among the likeliest words that share this probability.")
@click.option("--top-k", type=int, help="Choose among so many of the likeliest words.")
@click.option("--stop", multiple=True, help="End the answer before this text; may be given several times.")
@click.option("--input", "extra", multiple=True, metavar="NAME=VALUE", help="Any other input of the model, as in `run`.")
@calling
def chat(
    client: Replicate,
    as_json: bool,
    prompt: str | None,
    interactive: bool,
    model: str,
    extra: tuple[str, ...],
    **parameters: Any,
) -> None:
    """Ask a language model, and show its answer as it is written.

    PROMPT is the question. What is piped in is the question where there is none, and comes below it where there is:

    \b
      replicate-sync chat "Why is the sky blue?"
      git diff | replicate-sync chat "Review this."

    With -i, or with neither in a terminal, a conversation begins. An empty line or Ctrl-D ends it; Ctrl-C stops an answer.
    With --json, each piece of the text is a line {"text": "…"}.
    """
    if extra:
        parameters["extra_data"] = values.pairs(extra, inputs_of(client, model))
    if interactive or (prompt is None and sys.stdin.isatty() and sys.stdout.isatty()):
        if as_json:
            raise click.UsageError("A conversation is for people, and --json for machines: leave out one of them.")
        _Conversation(client, model, parameters).hold(prompt)
        return
    told(client.chat(_question(prompt), model, **parameters), as_json)


def _question(prompt: str | None) -> str:
    """Put together what was given as an argument and what is piped in."""
    piped = "" if sys.stdin.isatty() else values.stdin_text()
    parts = [part for part in (prompt, piped) if part and part.strip()]
    if not parts:
        raise click.UsageError("There is no question: give it as an argument, pipe it in, or begin a conversation with -i.")
    return "\n\n".join(parts)


class _Conversation:
    """Questions and answers, each with all that came before it."""

    def __init__(self, client: Replicate, model: str, parameters: dict[str, Any]) -> None:
        self._client, self._model, self._parameters = client, model, parameters
        self._turns: list[dict[str, str]] = []

    def hold(self, first: str | None) -> None:
        """Answer until there are no more questions."""
        question = first or _asked()
        while question.strip():
            self._turns.append({"role": "user", "content": question})
            heard: list[str] = []
            try:
                told(self._answer(), False, heard)
            except KeyboardInterrupt:
                click.echo("\n(The answer was stopped.)", err=True)
            except ReplicateError as error:
                if code(error) != FAILED:
                    raise  # the next question would meet the same
                tell(error, as_json=False)
            self._keep("".join(heard))
            question = _asked()

    def _answer(self) -> Generator[str, None, None]:
        return self._client.chat(self._turns, self._model, **self._parameters)

    def _keep(self, answer: str) -> None:
        """Remember an answer, also one that was stopped: it was read, and the next question may be about it.

        A question without an answer is forgotten, as a model would answer it along with the next.
        """
        if answer:
            self._turns.append({"role": "assistant", "content": answer})
        else:
            self._turns.pop()


def _asked() -> str:
    """Ask for the next question; "" where there is none, be it at the end of the input or by Ctrl-C."""
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            with suppress(ImportError):
                import readline  # noqa: F401  # makes input() a line that can be edited, with a history
            return input("> ")
        if sys.stdin.isatty():
            click.echo("> ", nl=False, err=True)
        return sys.stdin.readline().rstrip("\n")
    except (EOFError, KeyboardInterrupt):
        click.echo(err=True)
        return ""
