"""What a model writes is not an order to the terminal that shows it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.display.terminal import printable, text_for

CLIPBOARD = "\x1b]52;c;ZXZpbA==\x07"


class Stream(io.StringIO):
    """A stream that is a terminal, or has another encoding."""

    def __init__(self, encoding: str | None = "utf-8", *, is_terminal: bool = False) -> None:
        super().__init__()
        self._encoding = encoding
        self._is_terminal = is_terminal

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        (f"a{CLIPBOARD}b", "a␛]52;c;ZXZpbA==␇b"),
        ("\x1b[31mred\x9b0m", "␛[31mred\ufffd0m"),
        ("safe\revil\x08\x7f", "safeevil␈␡"),
        ("\ud83d half", "\ufffd half"),
        ("héllo ☃ 😀", "héllo ☃ 😀"),
    ],
)
def test_control_characters_are_shown_and_not_sent(text: str, shown: str) -> None:
    assert printable(text) == text_for(Stream(is_terminal=True), text) == shown


@pytest.mark.slow
@given(st.text())
def test_nothing_printable_holds_a_control_character(text: str) -> None:
    shown = printable(text)
    assert all(c >= " " and not "\x7f" <= c < "\xa0" for c in shown if c not in "\n\t")
    shown.encode()


def test_a_pipe_gets_the_text_unchanged() -> None:
    assert text_for(Stream(), CLIPBOARD + "\r\x9b") == CLIPBOARD + "\r\x9b"


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", "\ufffd ☃"), (None, "\ufffd ☃"), ("ascii", "? ?")]
)
def test_what_cannot_be_encoded_is_replaced(encoding: str | None, written: str) -> None:
    assert text_for(Stream(encoding), "\ud83d ☃") == written
