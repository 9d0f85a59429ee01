"""What `replicate-sync chat` asks, shows and remembers; with real pipes, signals and a terminal where they matter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator

import click
import pytest
from cli_runner import invoke, start as started, wait_until as until

from replicate_sync import Replicate
from replicate_sync.cli.output import write_text
from replicate_sync.server import LocalServer

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are otherwise there")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:

        @server.model("me/echo")
        def echo(prompt: str, max_new_tokens: int = 0, system: str = "", seed: int = 0) -> Iterator[str]:
            if prompt.endswith("fail"):
                raise RuntimeError("as you wish")
            yield "<"
            yield f"{prompt}|{max_new_tokens}|{system}|{seed}"
            yield ">"

        @server.model("me/drip")
        def drip(prompt: str) -> Iterator[str]:
            for number in range(1000 if prompt == "slow" else 2):
                yield f"w{number} "
                time.sleep(0.02)

        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        yield server


def statuses() -> list[str]:
    return [one.status for one in Replicate().predictions.list()]


@pytest.mark.parametrize(
    ("words", "piped", "asked"),
    [
        (["Hi"], None, "Hi"),
        ([], "Hi\n", "Hi\n"),
        (["Review"], "the diff\n", "Review\n\nthe diff\n"),
        (["Hi"], "  \n", "Hi"),
        (["Look"], b"a\xffb", "Look\n\na�b"),
    ],
)
def test_the_question_is_the_argument_and_what_is_piped_in(
    server: LocalServer, words: list[str], piped: str | bytes | None, asked: str
) -> None:
    shown = invoke("chat", "-m", "me/echo", *words, input=piped)
    assert shown.exit_code == 0
    assert shown.stdout == f"<{asked}|0||0>"
    assert shown.stderr == ""


def test_no_question_at_all_is_one_sentence(server: LocalServer) -> None:
    shown = invoke("chat", input="")
    assert shown.exit_code == 2
    assert "There is no question" in shown.stderr
    assert statuses() == []


def test_parameters_are_spelled_as_the_model_spells_them(server: LocalServer) -> None:
    given = ("--max-tokens", 7, "-s", "Be brief.", "--input", "seed=3")
    assert invoke("chat", "-m", "me/echo", "Hi", *given).stdout == "<Hi|7|Be brief.|3>"
    refused = invoke("chat", "-m", "me/echo", "Hi", "--input", "seed=3", "--top-k", "5")
    assert refused.exit_code == 2
    assert "top_k" in refused.stderr
    assert "extra_data" not in refused.stderr
    assert "--input" in refused.stderr


def test_a_machine_gets_the_pieces_as_lines(server: LocalServer) -> None:
    shown = invoke("chat", "-m", "me/echo", "Hi", "--json")
    assert [json.loads(line)["text"] for line in shown.stdout.splitlines()] == ["<", "Hi|0||0", ">"]
    assert invoke("chat", "-i", "--json").exit_code == 2


def test_a_conversation_remembers_and_an_empty_line_ends_it(server: LocalServer) -> None:
    shown = invoke("chat", "-i", "-m", "me/echo", "one", input="two\n\nthree\n")
    assert shown.exit_code == 0
    assert shown.stdout == "<one|0||0><User: one\nAssistant: <one|0||0>\nUser: two\nAssistant:|0||0>"


def test_a_question_that_failed_is_told_and_forgotten(server: LocalServer) -> None:
    shown = invoke("chat", "-i", "-m", "me/echo", "please fail", input="two\n")
    assert shown.exit_code == 0
    assert "as you wish" in shown.stderr
    assert shown.stdout == "<two|0||0>"


def test_what_every_question_would_meet_ends_the_conversation(server: LocalServer) -> None:
    shown = invoke("chat", "-i", "-m", "nobody/nothing", "one", input="two\n")
    assert shown.exit_code == 2
    assert shown.stderr.count("Error") == 1


@posix
def test_text_is_there_as_it_comes_and_ctrl_c_cancels(server: LocalServer) -> None:
    with started("chat", "-m", "me/drip", "slow") as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == "w0 "  # while the model writes on
        assert statuses() == ["processing"]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert len(said.splitlines()) == 1
    assert said.startswith("Stopped.")
    assert statuses() == ["canceled"]


@posix
def test_a_reader_who_has_gone_ends_it_quietly_and_cancels(server: LocalServer) -> None:
    with started("chat", "-m", "me/drip", "slow") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == "w0 "
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=10)
    assert said == ""
    assert process.returncode == 1
    assert statuses() == ["canceled"]


def test_a_text_that_cannot_be_written_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def pieces() -> Generator[str, None, None]:
        try:
            yield "one"
            yield "two"
        finally:
            closed.append(True)

    def gone(*given: object, **options: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", gone)
    writing = pieces()
    with pytest.raises(BrokenPipeError):
        write_text(writing, as_json=False)
    assert closed


class Terminal:
    """A person at a terminal who runs the command."""

    def __init__(self, *words: str) -> None:
        self.master, slave = os.openpty()
        self.seen = ""
        self.process = started(*words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)

    def sees(self, text: str) -> None:
        """Read on until this stands there."""
        while text not in self.seen:
            try:
                self.seen += os.read(self.master, 4096).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                raise AssertionError(self.seen) from None
        self.before, _, self.seen = self.seen.partition(text)

    def types(self, text: str) -> None:
        os.write(self.master, text.encode())

    def interrupts(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def leaves(self) -> int:
        return self.process.wait(timeout=10)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*words: str) -> Terminal:
        opened.append(Terminal(*words))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@posix
def test_in_a_terminal_ctrl_c_stops_an_answer_and_goes_back_to_the_question(
    server: LocalServer, terminal: Callable[..., Terminal]
) -> None:
    person = terminal("chat", "-m", "me/drip")
    person.sees("> ")
    person.types("slow\r")
    person.sees("w3 ")
    person.interrupts()
    person.sees("(The reply was stopped.)")
    person.sees("> ")
    assert statuses() == ["canceled"]
    person.types("quick\r")
    person.sees("w1 ")
    until(lambda: len(statuses()) == 2)
    prompt = next(Replicate().predictions.list()).input["prompt"]
    assert prompt.startswith("User: slow\nAssistant: w0 w1 w2 w3 ")  # what was read belongs to the conversation
    assert prompt.endswith("\nUser: quick\nAssistant:")
    person.sees("> ")
    person.types("\x04")
    assert person.leaves() == 0


@posix
def test_in_a_terminal_ctrl_c_at_the_question_ends_the_conversation(
    server: LocalServer, terminal: Callable[..., Terminal]
) -> None:
    person = terminal("chat", "-i", "-m", "me/echo")
    person.sees("> ")
    for _ in range(5):
        person.interrupts()
        try:
            person.process.wait(timeout=2)
            break
        except subprocess.TimeoutExpired:
            pass  # readline does not hear a signal that comes just before it listens; a person presses again
    assert person.leaves() == 0
    assert statuses() == []


@posix
def test_in_a_terminal_the_last_line_is_ended(server: LocalServer, terminal: Callable[..., Terminal]) -> None:
    person = terminal("chat", "Hi", "-m", "me/echo")
    person.sees(">\r\n")
    assert person.leaves() == 0


@posix
def test_in_a_terminal_an_error_has_a_line_of_its_own(server: LocalServer, terminal: Callable[..., Terminal]) -> None:
    @server.model("me/breaks")
    def breaks(prompt: str) -> Iterator[str]:
        yield "half"
        time.sleep(0.3)
        raise RuntimeError("no more")

    person = terminal("chat", "Hi", "-m", "me/breaks")
    person.sees("half\r\nError: Prediction")
    person.sees("no more")
    assert person.leaves() == 1


def test_a_program_without_stdin_is_answered(server: LocalServer) -> None:
    with started("chat", "Hi", "-m", "me/echo", stdin=subprocess.DEVNULL) as process:
        out, said = process.communicate(timeout=20)
    assert (out, said) == ("<Hi|0||0>", "")
