"""The text of the stand-ins."""

from __future__ import annotations

import pytest

from replicate_sync.server.standins import text as writing


@pytest.mark.parametrize(
    ("chunks", "stops", "kept"),
    [
        (["a", "b", "c", "d"], ["bc"], ["a"]),
        (["a", "b", "x", "d"], ["bc"], ["a", "bx", "d"]),
        (["aab"], ["ab"], ["a"]),
        (["a", "a", "b"], ["ab"], ["a"]),
        (["ab", "cd"], ["d", "bc"], ["a"]),
        (["x"], ["x"], []),
        (["a", "END"], ["", "ENDING"], ["a", "END"]),
    ],
)
def test_stops_are_found_across_chunks(
    chunks: list[str], stops: list[str], kept: list[str]
) -> None:
    assert list(writing.stop_at(chunks, stops)) == kept


def test_a_prompt_with_half_a_character_is_written_about() -> None:
    assert "".join(writing.write("caf\ud800", 1, 5))
