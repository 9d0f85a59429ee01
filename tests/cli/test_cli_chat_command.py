"""What `replicate-sync chat` sends, shows and remembers, with real pipes and a real terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_runner import ctrl_c_when, interrupted, invoke, start, statuses, wait_until

from replicate_sync import Replicate
from replicate_sync.server import LocalServer

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals differ there")
ECHO = ("chat", "-m", "me/echo")


@pytest.fixture
def server(server: LocalServer) -> LocalServer:
    """Return the shared server with this module's models."""
    add_models(server)
    return server


@pytest.fixture
def fresh_server(fresh_server: LocalServer) -> LocalServer:
    """Return a fresh server with this module's models."""
    add_models(fresh_server)
    return fresh_server


def add_models(server: LocalServer) -> None:
    """Add models that echo, and that write slowly."""

    @server.model("me/echo")
    def echo(
        prompt: str, max_new_tokens: int = 0, system: str = "", seed: int = 0
    ) -> Iterator[str]:
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


@pytest.mark.parametrize(
    ("words", "piped", "question"),
    [
        (["Hi"], None, "Hi"),
        ([], "Hi\n", "Hi\n"),
        (["Review"], "the diff\n", "Review\n\nthe diff\n"),
        (["Hi"], "  \n", "Hi"),
        (["Look"], b"a\xffb", "Look\n\na\ufffdb"),
    ],
)
def test_the_question_is_the_argument_and_what_is_piped_in(
    server: LocalServer, words: list[str], piped: str | bytes | None, question: str
) -> None:
    result = invoke(*ECHO, *words, input=piped)
    assert result.exit_code == 0
    assert result.stdout == f"<{question}|0||0>"
    assert result.stderr == ""


def test_no_question_at_all_is_one_sentence(fresh_server: LocalServer) -> None:
    result = invoke("chat", input="")
    assert result.exit_code == 2
    assert "There is no question" in result.stderr
    assert statuses() == []


def test_parameters_are_sent_under_the_models_own_names(server: LocalServer) -> None:
    parameters = ("--max-tokens", 7, "-s", "Be brief.", "--input", "seed=3")
    assert invoke(*ECHO, "Hi", *parameters).stdout == "<Hi|7|Be brief.|3>"


@pytest.mark.parametrize("more", [(), ("--input", "seed=3")], ids=str)
def test_a_parameter_that_the_model_does_not_have_is_an_error_with_a_hint_for_a_shell(
    server: LocalServer, more: tuple[str, ...]
) -> None:
    result = invoke(*ECHO, "Hi", "--top-k", "5", *more)
    assert result.exit_code == 2
    assert "top_k" in result.stderr
    assert "extra_data" not in result.stderr
    assert "--input" in result.stderr


def test_what_the_api_refuses_is_said_as_it_says_it(server: LocalServer) -> None:
    result = invoke(*ECHO, "Hi", "--max-tokens", 7, "--input", "seed=nonsense")
    assert result.exit_code == 2
    assert "seed takes a whole number" in result.stderr
    result = invoke(*ECHO, "Hi", "--input", "sed=1")
    assert result.exit_code == 2
    assert "sed" in result.stderr


def test_a_program_gets_the_pieces_as_lines(server: LocalServer) -> None:
    lines = invoke(*ECHO, "Hi", "--json").stdout.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["<", "Hi|0||0", ">"]
    assert invoke("chat", "-i", "--json").exit_code == 2


def test_a_conversation_remembers_and_an_empty_line_ends_it(server: LocalServer) -> None:
    result = invoke(*ECHO, "-i", "one", input="two\n\nthree\n")
    assert result.exit_code == 0
    second = "User: one\nAssistant: <one|0||0>\nUser: two\nAssistant:"
    assert result.stdout == f"<one|0||0><{second}|0||0>"


def test_a_question_that_failed_is_shown_and_forgotten(server: LocalServer) -> None:
    result = invoke(*ECHO, "-i", "please fail", input="two\n")
    assert result.exit_code == 0
    assert "as you wish" in result.stderr
    assert result.stdout == "<two|0||0>"


@pytest.mark.slow
def test_what_every_question_would_meet_ends_the_conversation(server: LocalServer) -> None:
    result = invoke("chat", "-i", "-m", "nobody/nothing", "one", input="two\n")
    assert result.exit_code == 2
    assert result.stderr.count("Error") == 1


def test_a_conversation_shows_its_model_how_to_leave_and_its_commands(server: LocalServer) -> None:
    result = invoke(*ECHO, "-i", input="/help\n/nonsense\n/etc/hosts is odd\n")
    assert "Chatting with me/echo. An empty line or Ctrl-D ends it" in result.stderr
    assert "/image PATH" in result.stderr
    assert "There is no command /nonsense." in result.stderr
    assert result.stdout == "</etc/hosts is odd|0||0>"


@pytest.mark.slow
def test_pictures_and_models_change_within_a_conversation_which_is_saved(
    server: LocalServer, tmp_path: Path
) -> None:
    @server.model("me/sees")
    def sees(prompt: str, image: Path | None = None) -> str:
        return f"{image.stat().st_size if image else 'no'} bytes"

    picture = tmp_path / "a cat.png"
    picture.write_bytes(b"12345")
    saved = tmp_path / "chat.json"
    lines = [
        f"/image '{picture}'",
        "does it take one?",
        "/model me/sees",
        f"/image {picture}",
        "and this?",
        f"/save {saved}",
        "/undo",
        "/image missing.png",
        "/model nothing",
        "/model",
        "still?",
    ]
    result = invoke(*ECHO, "-i", input="\n".join(lines) + "\n")
    assert result.exit_code == 0
    assert "me/echo takes no image: it takes prompt" in result.stderr
    assert result.stdout == "5 bytesno bytes"
    assert "There is no file missing.png." in result.stderr
    assert "(The model is me/sees.)" in result.stderr
    assert "data:" in saved.read_text()


@interrupted
@posix
def test_ctrl_c_stops_a_reply_and_the_conversation_goes_on(fresh_server: LocalServer) -> None:
    with ctrl_c_when(lambda: statuses() == ["processing"]):
        result = invoke("chat", "-i", "-m", "me/drip", "slow", input="quick\n")
    assert result.exit_code == 0
    assert "(The reply was stopped.)" in result.stderr
    assert result.stdout.endswith("w0 w1 ")
    assert statuses() == ["succeeded", "canceled"]


@pytest.mark.slow
@posix
def test_text_is_there_as_it_arrives_and_ctrl_c_cancels(fresh_server: LocalServer) -> None:
    with start("chat", "-m", "me/drip", "slow") as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == "w0 "  # while the model is writing
        assert statuses() == ["processing"]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    [line] = errors.splitlines()
    assert line.startswith("Stopped.")
    assert statuses() == ["canceled"]


@pytest.mark.slow
@posix
def test_a_reader_who_has_gone_ends_it_silently_and_cancels(fresh_server: LocalServer) -> None:
    with start("chat", "-m", "me/drip", "slow") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == "w0 "
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(timeout=10)
    assert errors == ""
    assert process.returncode == 1
    assert statuses() == ["canceled"]


class Terminal:
    """A person at a terminal who runs the command."""

    def __init__(self, *words: str) -> None:
        self.master, slave = os.openpty()
        self.unread = ""
        self.process = start(
            *words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        """Read on until this is on the screen."""
        while text not in self.unread:
            readable, _, _ = select.select([self.master], [], [], 15)
            assert readable, self.unread
            try:
                self.unread += os.read(self.master, 4096).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                pytest.fail(f"the command has ended: {self.unread}")
        self.unread = self.unread.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def press_ctrl_c(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def exit_code(self) -> int:
        return self.process.wait(timeout=10)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Return a function that runs the command in a terminal."""
    terminals: list[Terminal] = []

    def run(*words: str) -> Terminal:
        terminals.append(Terminal(*words))
        return terminals[-1]

    yield run
    for one in terminals:
        one.close()


@pytest.mark.slow
@posix
def test_in_a_terminal_ctrl_c_stops_a_reply_and_goes_back_to_the_question(
    fresh_server: LocalServer, terminal: Callable[..., Terminal]
) -> None:
    person = terminal("chat", "-m", "me/drip")
    person.wait_for("> ")
    person.type("slow\r")
    person.wait_for("w3 ")
    person.press_ctrl_c()
    person.wait_for("(The reply was stopped.)")
    person.wait_for("> ")
    assert statuses() == ["canceled"]
    person.type("quick\r")
    person.wait_for("w1 ")
    assert wait_until(lambda: len(statuses()) == 2)
    prompt = next(Replicate().predictions.list()).input["prompt"]
    # What was read belongs to the conversation.
    assert prompt.startswith("User: slow\nAssistant: w0 w1 w2 w3 ")
    assert prompt.endswith("\nUser: quick\nAssistant:")
    person.wait_for("> ")
    person.type("\x04")
    assert person.exit_code() == 0


@pytest.mark.slow
@posix
def test_in_a_terminal_ctrl_c_at_the_question_ends_the_conversation(
    fresh_server: LocalServer, terminal: Callable[..., Terminal]
) -> None:
    person = terminal(*ECHO, "-i")
    person.wait_for("> ")
    for _ in range(5):
        person.press_ctrl_c()
        try:
            person.process.wait(timeout=2)
            break
        except subprocess.TimeoutExpired:
            pass  # readline misses a signal that comes just before it listens; one presses again
    assert person.exit_code() == 0
    assert statuses() == []


@pytest.mark.slow
@posix
def test_in_a_terminal_an_error_and_a_reply_end_their_lines(
    server: LocalServer, terminal: Callable[..., Terminal]
) -> None:
    @server.model("me/breaks")
    def breaks(prompt: str) -> Iterator[str]:
        yield "half"
        time.sleep(0.1)
        raise RuntimeError("no more")

    person = terminal("chat", "Hi", "-m", "me/breaks")
    person.wait_for("half\r\nError: Prediction")
    person.wait_for("no more")
    assert person.exit_code() == 1
