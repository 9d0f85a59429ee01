"""Whatever a stream does, a transcript gives each character once, and only true ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicate_sync.transcript import Transcript, as_text

CHUNKS = st.lists(st.text(alphabet="ab\n", max_size=3), min_size=1, max_size=12)


def hear(told: Transcript, chunks: list[str], ids: list[str]) -> str:
    return "".join(told.hear(chunk, id_) for chunk, id_ in zip(chunks, ids, strict=True))


def test_an_unbroken_stream_is_told_as_it_comes() -> None:
    told = Transcript()
    told.reconnect()
    assert [told.hear(c, f"1:{i}") for i, c in enumerate(["a", "", "b"])] == ["a", "", "b"]
    assert told.unbroken
    assert (told.text, told.length, told.last_id) == ("ab", 2, "1:2")


@given(CHUNKS, st.data())
@settings(max_examples=500)
def test_resumed_replayed_or_overlapping_the_text_is_a_prefix_of_the_truth_and_in_the_end_the_truth(
    chunks: list[str], data: st.DataObject
) -> None:
    truth = "".join(chunks)
    ids = [f"1:{i}" for i in range(len(chunks))] if data.draw(st.booleans()) else [""] * len(chunks)
    told, got, known = Transcript(), "", 0
    for attempt in range(data.draw(st.integers(1, 4))):
        told.reconnect()
        resumes = bool(told.last_id) and data.draw(st.booleans())
        first = ids.index(told.last_id) + 1 if resumes else 0
        fresh = attempt > 0 and not resumes and bool(ids[0]) and data.draw(st.booleans())
        names = [f"9:{attempt}{i}" for i in range(len(chunks))] if fresh else ids
        end = data.draw(st.integers(first, len(chunks)))
        got += hear(told, chunks[first:end], names[first:end])
        assert truth.startswith(got)
        assert not told.lost
        if fresh:
            break
        if data.draw(st.booleans()):  # a look at the prediction, which may be behind or ahead of the stream
            known = data.draw(st.integers(known, len(chunks)))
            got += told.read("".join(chunks[:known]), final=False) or ""
            assert truth.startswith(got)
    more = told.read(truth, final=True)
    assert more is not None
    assert got + more == truth == told.text


def test_a_repetition_that_looks_like_a_continuation_is_held_back_until_it_is_known() -> None:
    told = Transcript()
    told.reconnect()
    assert hear(told, ["ha", "ha"], ["1:0", "1:1"]) == "haha"
    told.reconnect()
    assert hear(told, ["ha"], ["1:2"]) == ""
    assert told.undecided
    assert told.hear("!", "1:3") == "ha!"
    assert told.text == "hahaha!"


def test_an_empty_piece_behind_a_look_does_not_make_the_next_replay_repeat_itself() -> None:
    told = Transcript()
    told.reconnect()
    assert told.hear("", "1:0") == ""
    assert told.read("a", final=False) == "a"  # the look was ahead of the stream
    told.reconnect()
    assert told.hear("", "1:1") == ""
    told.reconnect()
    assert hear(told, ["", "", "a"], ["1:0", "1:1", "1:2"]) == ""
    assert told.read("a", final=True) == ""


def test_what_fits_nowhere_is_not_told() -> None:
    told = Transcript()
    told.reconnect()
    assert hear(told, ["Once", " upon"], ["", ""]) == "Once upon"
    told.reconnect()
    assert told.hear(" a time", "") == ""
    assert told.lost
    assert told.read("Once upon a time", final=True) == " a time"


@pytest.mark.parametrize(("truth", "more"), [("Once upon", " upon"), ("On", None), ("Twice", None), ("Once", "")])
def test_a_final_output_completes_the_text_or_contradicts_it(truth: str, more: str | None) -> None:
    told = Transcript()
    told.reconnect()
    told.hear("Once", "1:0")
    assert told.read(truth, final=False) == (more or "")
    assert told.read(truth, final=True) == ("" if more else more)


def test_a_carriage_return_that_a_stream_cannot_carry_is_no_contradiction() -> None:
    told = Transcript()
    told.reconnect()
    told.hear("a\nb", "1:0")
    assert told.read("a\r\nb\r\nc", final=True) == "\nc"


def test_the_cost_of_a_text_grows_with_its_length_alone() -> None:
    told = Transcript()
    told.reconnect()
    for i in range(50_000):
        told.hear("word ", f"1:{i}")
    assert len(told.text) == 250_000


@pytest.mark.parametrize(
    ("output", "text"), [(None, None), ("a", "a"), (["a", "b"], "ab"), ([], ""), ({"a": 1}, '{"a": 1}'), (["a", 1], "a1")]
)
def test_an_output_is_written_as_the_stream_tells_it(output: object, text: str | None) -> None:
    assert as_text(output) == text
