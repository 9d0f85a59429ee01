"""Whatever a stream does, a transcript returns what the model wrote, each character once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicate_sync.prediction.transcript import Transcript, text_of_output

PIECES = st.lists(st.text(alphabet="ab\n", max_size=3), min_size=1, max_size=12)


def add_all(transcript: Transcript, pieces: Iterable[str], ids: Iterable[str]) -> str:
    return "".join(
        transcript.add_event(piece, event_id) for piece, event_id in zip(pieces, ids, strict=True)
    )


def test_an_unbroken_stream_is_returned_as_it_arrives() -> None:
    transcript = Transcript()
    transcript.reconnect()
    new = [transcript.add_event(piece, f"1:{i}") for i, piece in enumerate(["a", "", "b"])]
    assert new == ["a", "", "b"]
    assert transcript.is_unbroken
    assert (transcript.text, transcript.length, transcript.last_id) == ("ab", 2, "1:2")


@given(PIECES, st.data())
@settings(max_examples=100, deadline=None)
def test_resumed_replayed_or_overlapping_the_text_is_a_prefix_of_the_truth_and_in_the_end_all_of_it(
    pieces: list[str], data: st.DataObject
) -> None:
    truth = "".join(pieces)
    ids = [""] * len(pieces)
    if data.draw(st.booleans()):
        ids = [f"1:{i}" for i in range(len(pieces))]
    transcript = Transcript()
    returned = ""
    polled = 0
    for connection in range(data.draw(st.integers(1, 4))):
        transcript.reconnect()
        resumes = bool(transcript.last_id) and data.draw(st.booleans())
        first = ids.index(transcript.last_id) + 1 if resumes else 0
        has_other_ids = connection > 0 and not resumes and bool(ids[0]) and data.draw(st.booleans())
        sent_ids = ids
        if has_other_ids:
            sent_ids = [f"9:{connection}{i}" for i in range(len(pieces))]
        end = data.draw(st.integers(first, len(pieces)))
        returned += add_all(transcript, pieces[first:end], sent_ids[first:end])
        assert truth.startswith(returned)
        assert not transcript.is_lost
        if has_other_ids:
            break
        if data.draw(st.booleans()):  # a poll, which may be behind the stream or ahead of it
            polled = data.draw(st.integers(polled, len(pieces)))
            output = "".join(pieces[:polled])
            returned += transcript.add_output(output, is_final=False) or ""
            assert truth.startswith(returned)
    rest = transcript.add_output(truth, is_final=True)
    assert rest is not None
    assert returned + rest == truth == transcript.text


def test_a_repetition_that_looks_like_a_continuation_is_pending_until_it_is_known() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert add_all(transcript, ["ha", "ha"], ["1:0", "1:1"]) == "haha"
    transcript.reconnect()
    assert transcript.add_event("ha", "1:2") == ""
    assert transcript.has_pending
    assert transcript.add_event("!", "1:3") == "ha!"
    assert not transcript.has_pending
    assert transcript.text == "hahaha!"


def test_an_empty_piece_after_a_poll_does_not_make_the_next_replay_repeat_itself() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert transcript.add_event("", "1:0") == ""
    assert transcript.add_output("a", is_final=False) == "a"  # the poll was ahead of the stream
    transcript.reconnect()
    assert transcript.add_event("", "1:1") == ""
    transcript.reconnect()
    assert add_all(transcript, ["", "", "a"], ["1:0", "1:1", "1:2"]) == ""
    assert transcript.add_output("a", is_final=True) == ""


def test_a_piece_that_fits_no_position_is_not_returned() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert add_all(transcript, ["Once", " upon"], ["", ""]) == "Once upon"
    transcript.reconnect()
    assert transcript.add_event(" a time", "") == ""
    assert transcript.is_lost
    assert transcript.add_output("Once upon a time", is_final=True) == " a time"


@pytest.mark.parametrize(
    ("output", "rest"), [("Once upon", " upon"), ("On", None), ("Twice", None), ("Once", "")]
)
def test_a_final_output_completes_the_text_or_contradicts_it(output: str, rest: str | None) -> None:
    transcript = Transcript()
    transcript.reconnect()
    transcript.add_event("Once", "1:0")
    assert transcript.add_output(output, is_final=True) == rest


@pytest.mark.parametrize(
    ("output", "new"), [("Once upon", " upon"), ("On", ""), ("Twice", ""), ("Once", "")]
)
def test_an_output_that_is_behind_the_stream_is_no_contradiction(output: str, new: str) -> None:
    transcript = Transcript()
    transcript.reconnect()
    transcript.add_event("Once", "1:0")
    assert transcript.add_output(output, is_final=False) == new


def test_a_carriage_return_that_a_stream_cannot_carry_is_no_contradiction() -> None:
    transcript = Transcript()
    transcript.reconnect()
    transcript.add_event("a\nb", "1:0")
    assert transcript.add_output("a\r\nb\r\nc", is_final=True) == "\nc"


def test_a_repetition_is_told_from_a_new_piece_by_its_own_id_only() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert transcript.add_event("a", "1:0") == "a"
    assert transcript.add_event("a", "1:0") == ""
    assert transcript.add_event("a", "1:0", has_own_id=False) == "a"
    assert transcript.text == "aa"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (None, None),
        ("a", "a"),
        (["a", "b"], "ab"),
        ([], ""),
        ({"a": 1}, '{"a": 1}'),
        (["a", 1], "a1"),
        (1.5, "1.5"),
    ],
)
def test_an_output_becomes_the_text_that_its_stream_has(output: object, text: str | None) -> None:
    assert text_of_output(output) == text


# -- The worked example in the docstring of the module ---------------------------------------------


@pytest.fixture
def broken_after_two() -> Transcript:
    """Return the transcript of the example: its stream broke after the second of three pieces."""
    transcript = Transcript()
    transcript.reconnect()
    assert transcript.add_event("one ", "1") == "one "
    assert transcript.length == 4
    assert transcript.add_event("two ", "2") == "two "
    assert transcript.length == 8
    assert transcript.last_id == "2"
    transcript.reconnect()
    return transcript


def test_example_a_server_that_resumes(broken_after_two: Transcript) -> None:
    assert broken_after_two.add_event("three", "3") == "three"
    assert broken_after_two.text == "one two three"
    assert broken_after_two.is_certain


def test_example_a_server_that_starts_again_under_the_same_ids(
    broken_after_two: Transcript,
) -> None:
    assert broken_after_two.add_event("one ", "1") == ""
    assert not broken_after_two.has_pending
    assert broken_after_two.add_event("two ", "2") == ""
    assert broken_after_two.add_event("three", "3") == "three"
    assert broken_after_two.text == "one two three"


def test_example_a_server_that_starts_again_under_other_ids(broken_after_two: Transcript) -> None:
    assert broken_after_two.add_event("one ", "7") == ""
    assert broken_after_two.has_pending
    assert broken_after_two.add_event("two ", "8") == ""
    assert broken_after_two.has_pending
    assert broken_after_two.add_output("one two three", is_final=True) == "three"
    assert broken_after_two.text == "one two three"


def test_example_a_later_piece_that_fits_one_position_only(broken_after_two: Transcript) -> None:
    assert broken_after_two.add_event("one ", "7") == ""
    assert broken_after_two.add_event("more", "8") == "one more"
    assert broken_after_two.text == "one two one more"


# -- Cost ------------------------------------------------------------------------------------------


class _Piece(str):
    """A piece of text that counts what it costs to append it with +."""

    __slots__ = ()
    added = 0

    def __radd__(self, text: str) -> str:
        _Piece.added += len(text) + len(self)
        return text.__add__(self)


def characters_handled(feed: Callable[[Transcript, int], None], count: int) -> int:
    """Return how many characters a transcript handles at most while it is fed so many pieces.

    A call of a string's method, such as `join` or `endswith`, may handle all the text so far.
    """
    transcript = Transcript()
    handled = 0

    def count_call(frame: FrameType, event: str, called: Any) -> None:
        nonlocal handled
        if event == "c_call" and isinstance(getattr(called, "__self__", None), str):
            handled += transcript.length

    _Piece.added = 0
    sys.setprofile(count_call)
    try:
        feed(transcript, count)
    finally:
        sys.setprofile(None)
    return handled + _Piece.added + transcript.length


def feed_with_ids(transcript: Transcript, count: int) -> None:
    transcript.reconnect()
    for number in range(count):
        transcript.add_event(_Piece("word "), f"1:{number}")


def feed_without_ids(transcript: Transcript, count: int) -> None:
    transcript.reconnect()
    for _ in range(count):
        transcript.add_event(_Piece("word "), "", has_own_id=False)


@pytest.mark.parametrize("feed", [feed_with_ids, feed_without_ids])
def test_the_cost_of_a_text_grows_with_its_length_and_not_with_its_square(
    feed: Callable[[Transcript, int], None],
) -> None:
    cost = characters_handled(feed, 1000)
    assert characters_handled(feed, 2000) <= 2.2 * cost
