"""`replicate-sync chat`: one reply, or a conversation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..client import Replicate
from ..exceptions import InputRejectedError, InvalidInputError
from ..payloads.inputs import validate_input
from .interactive_chat import InteractiveChat, is_terminal
from .options import api_command, complete_model
from .output import write_text
from .parsing import known_inputs, parse_pairs, read_stdin


@click.command(short_help="Ask a language model.")
@click.argument("prompt", required=False)
@click.option(
    "-i",
    "--interactive",
    is_flag=True,
    help="Have a conversation; PROMPT is its first message.",
)
@click.option(
    "-m",
    "--model",
    default=Replicate.default_model,
    show_default=True,
    metavar="MODEL",
    shell_complete=complete_model,
    help="Which language model.",
)
@click.option("-s", "--system", "system_prompt", help="The system prompt.")
@click.option("--max-tokens", type=int, help="How many tokens the reply may have.")
@click.option("--temperature", type=float, help="How random the reply is; 0 is the least.")
@click.option("--top-p", type=float, help="The probability mass that words are chosen from.")
@click.option("--top-k", type=int, help="How many of the likeliest words are chosen from.")
@click.option(
    "--stop", multiple=True, help="End the reply before this text; may be given several times."
)
@click.option(
    "--input",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other input of the model, as in `run`.",
)
@api_command
def chat(
    client: Replicate,
    as_json: bool,
    prompt: str | None,
    interactive: bool,
    model: str,
    pairs: tuple[str, ...],
    **parameters: Any,
) -> None:
    """Ask a language model, and show its reply as it is written.

    PROMPT is the question. Text that is piped in is the question if there is no PROMPT, and follows
    it otherwise:

    \b
      replicate-sync chat "Why is the sky blue?"
      git diff | replicate-sync chat "Review this."

    With -i, or without any question in a terminal, a conversation begins. An empty line or Ctrl-D
    ends it; Ctrl-C stops a reply; /help lists its commands, such as /image for a picture. With
    --json, each piece of the text is a line {"text": "…"}.
    """  # noqa: D301  # click reads the \b
    if pairs:
        extra_data = parse_pairs(pairs, known_inputs(client, model))
        validate_input(extra_data)
        parameters["extra_data"] = extra_data
    is_conversation = interactive or (prompt is None and is_terminal())
    if is_conversation and as_json:
        raise click.UsageError(
            "A conversation is for people, and --json for programs: leave out one of them."
        )
    with _hint_at_input_option():
        if is_conversation:
            system = parameters.pop("system_prompt")
            conversation = client.conversation(model, system=system, **parameters)
            InteractiveChat(conversation).run(prompt)
        else:
            pieces = client.chat(_question(prompt), model, **parameters)
            write_text(pieces, as_json=as_json)


@contextmanager
def _hint_at_input_option() -> Iterator[None]:
    """Say what to do in a shell about a parameter that cannot be sent; the rest is validated."""
    try:
        yield
    except InputRejectedError:
        raise
    except InvalidInputError as error:
        if not error.fields:
            raise  # it is not about a parameter
        hint = "Leave it out, or give what you mean with --input."
        raise InvalidInputError(error.message, hint=hint) from error


def _question(prompt: str | None) -> str:
    """Return the argument, followed by what is piped in."""
    parts = [prompt or ""]
    if not sys.stdin.isatty():
        parts.append(read_stdin())
    parts = [part for part in parts if part.strip()]
    if not parts:
        raise click.UsageError(
            "There is no question: give it as an argument, pipe it in, or begin a conversation "
            "with -i."
        )
    return "\n\n".join(parts)
