"""The pictures of the stand-ins."""

from __future__ import annotations

import pytest

from replicate_sync.server.standins import images


@pytest.mark.parametrize("ratio", images.RATIOS)
def test_a_ratio_is_kept_exactly(ratio: str) -> None:
    wide, high = images.size_of(ratio)
    left, right = map(int, ratio.split(":"))
    assert wide * right == high * left
    assert 0.9 < wide * high / 1024**2 < 1.1


def test_the_same_seed_draws_the_same_picture() -> None:
    pytest.importorskip("PIL")

    def drawn(prompt: str, seed: int) -> bytes:
        return images.draw(prompt, seed, (64, 48)).getvalue()

    assert drawn("a", 1) == drawn("a", 1)
    assert len({drawn("a", 1), drawn("a", 2), drawn("b", 1)}) == 3
    assert drawn("日本 é \n", 1)
