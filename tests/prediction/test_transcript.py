"""Whatever a stream does, a transcript returns what the model wrote, each character once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicate_sync import UnexpectedDataError
from replicate_sync.prediction.output_text import Rest, rest_of_output, text_of_output
from replicate_sync.prediction.transcript import Transcript
from replicate_sync.sse import Event

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


@pytest.mark.slow
@given(PIECES, st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_a_server_sends_the_text_is_a_prefix_of_the_truth_and_in_the_end_all_of_it(
    pieces: list[str], data: st.DataObject
) -> None:
    """It resumes, starts again, or goes on with what is written now; ids are true, or missing."""
    truth = "".join(pieces)
    ids = [""] * len(pieces)
    if data.draw(st.booleans()):
        ids = [f"1:{i}" for i in range(len(pieces))]
    is_late = data.draw(st.booleans())
    transcript = Transcript(is_late=is_late)
    returned = ""
    polled = 0
    for connection in range(data.draw(st.integers(1, 4))):
        transcript.reconnect()
        first = 0
        if connection or is_late:
            first = data.draw(st.integers(0, len(pieces)))
        sent_ids = ids
        if connection and ids[0] and data.draw(st.booleans()):
            sent_ids = [f"9:{connection}{i}" for i in range(len(pieces))]
        end = data.draw(st.integers(first, len(pieces)))
        returned += add_all(transcript, pieces[first:end], sent_ids[first:end])
        assert truth.startswith(returned)
        if connection == 0 and not is_late:
            assert returned == "".join(pieces[:end])
        if data.draw(st.booleans()):  # a poll, which may be behind the stream or ahead of it
            polled = data.draw(st.integers(polled, len(pieces)))
            returned += transcript.add_output(pieces[:polled], is_final=False) or ""
            assert truth.startswith(returned)
    rest = transcript.add_output(pieces, is_final=True)
    assert rest is not None
    assert returned + rest == truth == transcript.text


@pytest.mark.parametrize(
    ("first_id", "is_believed"),
    [("7:0", True), ("7:1", True), ("", True), ("first", True), ("7:2", False), ("41", False)],
)
def test_a_stream_whose_first_id_is_a_later_one_is_not_believed_at_its_end(
    first_id: str, is_believed: bool
) -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert transcript.add_event("three", first_id) == "three"
    assert transcript.is_unbroken == is_believed


@pytest.mark.slow
@given(PIECES, st.data())
@settings(max_examples=60, deadline=None)
def test_ids_that_come_again_in_an_unbroken_stream_drop_no_token(
    pieces: list[str], data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.sampled_from("123"), min_size=len(pieces), max_size=len(pieces)))
    transcript = Transcript()
    transcript.reconnect()
    returned = add_all(transcript, pieces, ids)
    assert "".join(pieces).startswith(returned)
    begins_at_first = ids[:1] in ([], ["1"])
    assert transcript.is_unbroken == (begins_at_first and len(set(ids)) == len(ids))
    assert transcript.is_lost or returned == "".join(pieces)


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


def test_a_resumed_piece_that_contradicts_the_output_is_not_returned() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert add_all(transcript, ["Once"], ["1:0"]) == "Once"
    assert transcript.add_output("Once upon", is_final=False) == " upon"
    transcript.reconnect()
    assert transcript.add_event(" in", "1:1") == ""
    assert transcript.is_lost


def test_a_stream_that_is_opened_again_before_any_text_is_believed_only_at_its_end() -> None:
    transcript = Transcript()
    transcript.reconnect()
    transcript.reconnect()
    assert add_all(transcript, ["Once", " upon"], ["1:0", "1:1"]) == ""
    assert transcript.end("Once upon a time") is None
    assert transcript.end("a time") is None
    assert transcript.end(None) == "Once upon"


def test_a_stream_that_is_opened_before_the_model_starts_is_returned_as_it_arrives() -> None:
    transcript = Transcript(is_late=True)
    for _ in range(3):
        transcript.reconnect(is_written=False)
    assert add_all(transcript, ["Once", " upon"], ["", ""]) == "Once upon"
    assert not transcript.is_unbroken


def connected(*, is_late: bool = False) -> Transcript:
    """Return the transcript of a stream that has just been opened."""
    transcript = Transcript(is_late=is_late)
    transcript.reconnect()
    return transcript


def test_a_stream_without_any_event_has_no_last_id_and_no_text_at_its_end() -> None:
    transcript = connected()
    assert transcript.last_id == ""
    assert transcript.end(None) is None


def test_a_stream_that_was_joined_late_is_not_believed_at_its_end() -> None:
    transcript = connected(is_late=True)
    assert transcript.is_unbroken is False
    assert add_all(transcript, ["Once", " upon"], ["", ""]) == ""
    assert transcript.end(None) is None


def test_a_stream_without_ids_that_broke_after_a_text_is_not_believed_at_its_end() -> None:
    transcript = connected()
    assert transcript.add_event("Once", "") == "Once"
    transcript.reconnect()
    assert transcript.is_unbroken is False
    assert add_all(transcript, ["Once", " upon"], ["", ""]) == ""
    assert transcript.end("Once") is None
    assert transcript.text == "Once"


def test_what_is_believed_at_the_end_is_part_of_the_text() -> None:
    transcript = connected()
    transcript.reconnect()
    assert add_all(transcript, ["Once", " upon"], ["", ""]) == ""
    assert transcript.end(None) == "Once upon"
    assert (transcript.text, transcript.length) == ("Once upon", 9)


def test_a_poll_that_is_ahead_of_a_stream_that_began_with_the_model_leaves_its_place_known() -> (
    None
):
    transcript = Transcript(is_late=True)
    transcript.reconnect(is_written=False)
    assert transcript.add_event("Once", "") == "Once"
    assert transcript.add_output("Once upon", is_final=False) == " upon"
    assert add_all(transcript, [" upon", " a"], ["", ""]) == " a"
    assert not transcript.is_lost


def test_an_id_of_an_earlier_event_says_nothing_of_a_later_one() -> None:
    transcript = connected()
    assert transcript.add_event("a", "7:1") == "a"
    assert transcript.add_event("b", "7:1", has_own_id=False) == "b"
    assert transcript.last_id == "7:1"
    assert transcript.is_unbroken


def test_another_piece_under_the_same_id_is_returned_and_the_same_one_is_doubtful() -> None:
    transcript = connected()
    assert add_all(transcript, ["a", "b"], ["7:1", "7:1"]) == "ab"
    assert transcript.last_id == ""
    assert transcript.is_unbroken is False
    assert not transcript.is_lost
    assert transcript.add_event("b", "7:1") == ""
    assert transcript.is_lost
    transcript = connected()
    assert add_all(transcript, ["a", "a"], ["7:1", "7:1"]) == "a"
    assert transcript.is_lost


def test_after_a_break_another_piece_under_a_known_id_is_doubtful() -> None:
    transcript = connected()
    transcript.add_event("a", "7:1")
    transcript.reconnect()
    assert transcript.add_event("b", "7:2") == "b"
    assert transcript.add_event("c", "7:1") == ""
    assert transcript.is_lost


def test_a_known_id_with_another_piece_shows_that_the_ids_are_a_connections_own() -> None:
    transcript = connected()
    assert add_all(transcript, ["a", "b"], ["7:1", "7:2"]) == "ab"
    transcript.reconnect()
    assert add_all(transcript, ["x", "y", "z"], ["7:1", "7:2", "7:3"]) == ""
    assert transcript.last_id == ""


def test_the_next_id_is_known_however_often_a_stream_breaks() -> None:
    transcript = connected()
    assert transcript.add_event("a", "7:1") == "a"
    transcript.reconnect()
    assert transcript.add_event("b", "7:2") == "b"
    assert transcript.last_id == "7:2"
    transcript.reconnect()
    assert add_all(transcript, ["a", "b", "c"], ["7:1", "7:2", "7:3"]) == "c"
    assert transcript.last_id == "7:3"


SENTENCES = [f"This is the sentence number {number} of a long text. " for number in range(9)]


@pytest.mark.parametrize("first", [0, 2, 3])
@pytest.mark.parametrize("polled", [6, 7, 9])
def test_a_long_passage_that_the_output_has_once_says_where_a_stream_is(
    first: int, polled: int
) -> None:
    transcript = Transcript(is_late=True)
    transcript.reconnect()
    assert add_all(transcript, SENTENCES[first:7], [""] * (7 - first)) == ""
    transcript.add_output(SENTENCES[:2], is_final=False)
    assert transcript.is_lost == (first > 0)
    assert transcript.length == sum(map(len, SENTENCES[: 2 if first else 7]))
    transcript.add_output(SENTENCES[:polled], is_final=False)
    assert not transcript.is_lost
    transcript.add_event(SENTENCES[7], "")
    transcript.add_event(SENTENCES[8], "")
    assert transcript.text == "".join(SENTENCES)


@pytest.mark.parametrize("passage", ["ha " * 50, "short"])
def test_a_passage_that_is_short_or_comes_again_says_nothing(passage: str) -> None:
    transcript = Transcript(is_late=True)
    transcript.reconnect()
    assert transcript.add_event(passage, "") == ""
    assert transcript.add_output(["ha " * 60, "short"], is_final=False) is not None
    assert transcript.is_lost


def test_a_passage_that_the_output_goes_on_differently_after_is_somewhere_else() -> None:
    transcript = Transcript(is_late=True)
    transcript.reconnect()
    assert add_all(transcript, [SENTENCES[0] + SENTENCES[1], "or so"], ["", ""]) == ""
    transcript.add_output(SENTENCES, is_final=False)
    assert transcript.is_lost
    assert transcript.text == "".join(SENTENCES)


ROW = "-" * 63 + "|"  # the shortest passage that says where a stream is


@pytest.mark.parametrize(
    ("came", "output", "is_found"),
    [
        (ROW, f"{ROW} and so on", True),
        (ROW[1:], f"{ROW} and so on", False),
        (ROW, f"{ROW} {ROW}", False),
        ("-" * 64, "-" * 65, False),
        # Longer passages are tried where a short one comes again.
        (ROW + SENTENCES[0] + SENTENCES[1], ROW + ROW + SENTENCES[0] + SENTENCES[1], True),
    ],
)
def test_a_passage_has_to_be_long_enough_to_be_there_only_once(
    came: str, output: str, is_found: bool
) -> None:
    transcript = connected(is_late=True)
    transcript.add_event(came, "")
    assert transcript.add_output(output, is_final=False) == output
    assert transcript.is_lost is not is_found
    assert transcript.last_id == ""


def test_a_stream_whose_place_was_found_may_lose_it_again() -> None:
    transcript = connected(is_late=True)
    transcript.add_event(ROW, "")
    transcript.add_output(f"{ROW} and so on", is_final=False)
    assert add_all(transcript, [" or not", " at all"], ["", ""]) == ""
    assert transcript.is_lost
    assert transcript.text == f"{ROW} and so on"


def test_an_output_that_contradicts_the_text_ends_what_is_taken_from_the_stream() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert transcript.add_event("Once", "1:0") == "Once"
    assert transcript.add_output("Twice", is_final=False) == ""
    assert transcript.last_id == ""
    assert transcript.add_event(" upon", "1:1") == ""
    assert transcript.add_output("Twice upon", is_final=True) is None


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


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (None, ""),
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
    assert transcript.add_event("one ", "7:1") == "one "
    assert transcript.length == 4
    assert transcript.add_event("two ", "7:2") == "two "
    assert transcript.length == 8
    assert transcript.last_id == "7:2"
    transcript.reconnect()
    return transcript


def test_example_a_server_that_resumes(broken_after_two: Transcript) -> None:
    assert broken_after_two.add_event("three", "7:3") == "three"
    assert broken_after_two.text == "one two three"
    assert broken_after_two.end("one two") == ""
    assert broken_after_two.end("one two three") == ""
    assert broken_after_two.end("one two three four") is None


def test_example_a_server_that_starts_again_under_the_same_ids(
    broken_after_two: Transcript,
) -> None:
    assert broken_after_two.add_event("one ", "7:1") == ""
    assert broken_after_two.add_event("two ", "7:2") == ""
    assert broken_after_two.is_lost
    assert broken_after_two.add_event("three", "7:3") == "three"
    assert not broken_after_two.is_lost
    assert broken_after_two.text == "one two three"


@pytest.mark.parametrize("event_id", ["", "7:4", "8:3", "three", "7:2", "7:"])
def test_example_a_server_that_sends_what_may_belong_anywhere(
    broken_after_two: Transcript, event_id: str
) -> None:
    assert broken_after_two.add_event("three", event_id) == ""
    assert broken_after_two.is_lost
    assert broken_after_two.end("one two ") is None
    assert broken_after_two.add_output("one two thr", is_final=False) == "thr"
    assert broken_after_two.add_output("one two three", is_final=True) == "ee"


# -- Streams of objects ----------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(alphabet='a{"é ', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@given(st.lists(VALUES, max_size=5), st.data())
@settings(max_examples=50, deadline=None)
def test_values_are_compared_and_not_their_spelling(values: list[Any], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(values)))
    texts = [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        for value in values
    ]
    # Two numbers in a row have no end between them.
    if any(isinstance(value, int) for value in values[:-1]):
        return
    rest = rest_of_output("".join(texts[:count]), values)
    assert rest.new == text_of_output(values[count:])


@pytest.mark.parametrize(
    ("text", "output", "expected"),
    [
        ('{"a":1}', {"a": 1}, Rest("")),
        ('{"a":1}\n', {"a": 1}, Rest("")),
        ('{"a":1}', {"a": 2}, Rest(None)),
        ('{"a":1}{"b"', [{"a": 1}], Rest(None, is_behind=True)),
        ('{"a":1}{"b": ', [{"a": 1}, {"b": 5}], Rest("5}")),
        ('{"a":1}word', [{"a": 1}, "wordy"], Rest("y")),
        ('{"a":1}word', [{"a": 1}, "work"], Rest(None)),
        ("{nonsense", [{"a": 1}], Rest(None)),
        ("[" * 5000, [{"a": 1}], Rest(None)),
        ('{"a":1}word{"b":2}', [{"a": 1}, "word", {"b": 2}], Rest("")),
        ('{"a":1}wo', [{"a": 1}, "word", "s"], Rest("rds")),
        ('{"a":1}\n {"b":2}', [{"a": 1}, {"b": 2}], Rest("")),
        ("a\r\nb", "a\r\nb\r\nc", Rest("\r\nc")),
        ("a ", "a", Rest(None, is_behind=True)),
        ("a\r\nb ", "a\r\nb", Rest(None, is_behind=True)),
        ("", [], Rest("")),
        ("", None, Rest("")),
    ],
)
def test_what_an_output_has_behind_a_text(text: str, output: object, expected: Rest) -> None:
    assert rest_of_output(text, output) == expected


@pytest.mark.skipif(sys.platform == "emscripten", reason="a large stack")
def test_an_output_that_is_too_deep_for_text_is_an_error_of_this_package() -> None:
    deep: object = []
    for _ in range(50_000):  # CPython 3.13 writes 5,000 levels
        deep = [deep]
    with pytest.raises(UnexpectedDataError) as raised:
        rest_of_output("x", [deep])
    assert raised.value.message == (
        "The data is not an output that is text: it is nested too deeply"
    )


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


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(["", "a", "b", "word"]), st.integers(0, 9), st.booleans()),
            max_size=6,
        ),
        max_size=4,
    ),
    st.booleans(),
)
@settings(deadline=None)
def test_events_that_arrive_together_are_added_as_if_each_came_alone(
    arrivals: list[list[tuple[str, int, bool]]], is_cut: bool
) -> None:
    together, alone = Transcript(), Transcript()
    for transcript in (together, alone):
        transcript.reconnect()
    for number, arrived in enumerate(arrivals):
        if is_cut and number == 2:
            together.reconnect()
            alone.reconnect()
        sent = [Event("output", data, f"1:{id_}", None, own) for data, id_, own in arrived]
        expected = []
        for event in sent:
            new = alone.add_event(event.data, event.id, has_own_id=event.own_id)
            if new or not (event.data or alone.is_lost):
                expected.append(event._replace(data=new))
        assert list(together.add_events(sent)) == expected
        assert (together.text, together.last_id) == (alone.text, alone.last_id)
        assert (together.is_lost, together.length) == (alone.is_lost, alone.length)
        assert together.is_unbroken == alone.is_unbroken


def feed_with_ids(transcript: Transcript, count: int) -> None:
    transcript.reconnect()
    for number in range(count):
        transcript.add_event(_Piece("word "), f"1:{number}")


def feed_without_ids(transcript: Transcript, count: int) -> None:
    transcript.reconnect()
    for _ in range(count):
        transcript.add_event(_Piece("word "), "", has_own_id=False)


def feed_a_replay(transcript: Transcript, count: int) -> None:
    feed_with_ids(transcript, count)
    transcript.reconnect()
    for number in range(count):
        transcript.add_event(_Piece("word "), f"2:{number}")
    transcript.reconnect()
    for number in range(2 * count):
        transcript.add_event(_Piece("word "), f"1:{number}")


def feed_a_replay_without_ids(transcript: Transcript, count: int) -> None:
    for _ in range(3):
        feed_without_ids(transcript, count)


def feed_behind_a_poll(transcript: Transcript, count: int) -> None:
    transcript.reconnect()
    transcript.add_event(_Piece("word "), "1:0")
    transcript.add_output(["word "] * count, is_final=False)
    transcript.reconnect()
    for number in range(1, 2 * count):
        transcript.add_event(_Piece("word "), f"1:{number}")


def test_an_id_that_came_twice_vouches_for_nothing_after_a_break() -> None:
    transcript = Transcript()
    transcript.reconnect()
    pieces = [("a", "1:0"), ("b", "1:0"), ("c", "1:1")]
    assert "".join(transcript.add_event(*piece) for piece in pieces) == "abc"
    assert transcript.last_id == ""
    transcript.reconnect()
    assert transcript.add_event("c", "1:2") == ""  # it may be the third one again, counted anew
    assert transcript.add_output(["a", "b", "c", "d"], is_final=True) == "d"


def test_an_id_that_comes_twice_in_a_later_connection_vouches_for_nothing() -> None:
    transcript = Transcript()
    transcript.reconnect()
    assert transcript.add_event("a", "1:0") == "a"
    transcript.reconnect()
    pieces = [("a", "1:0"), ("a", "1:0"), ("ha", "1:1")]
    assert [transcript.add_event(*piece) for piece in pieces] == ["", "", ""]
    assert transcript.add_output(["a", "a", "ha"], is_final=True) == "aha"


def feed_repeated_ids(transcript: Transcript, count: int) -> None:
    transcript.reconnect()
    for number in range(count):
        transcript.add_event(_Piece(f"word{number % 2}"), "1:0")


@pytest.mark.slow
@pytest.mark.parametrize(
    "feed",
    [
        feed_with_ids,
        feed_without_ids,
        feed_a_replay,
        feed_a_replay_without_ids,
        feed_behind_a_poll,
        feed_repeated_ids,
    ],
)
def test_the_cost_of_a_text_grows_with_its_length_and_not_with_its_square(
    feed: Callable[[Transcript, int], None],
) -> None:
    cost = characters_handled(feed, 1000)
    assert characters_handled(feed, 2000) <= 2.2 * cost
