"""Ids as Replicate's: of its letters, and never the same."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter

import pytest

from replicate_sync.server.job_ids import new_job_ids


def test_ids_have_replicates_letters_each_as_often() -> None:
    made = [new_job_ids() for _ in range(500)]
    assert len({text for ids in made for text in ids}) == 1000
    for ids in made:
        assert re.fullmatch("[0-9a-hjkmnp-tv-z]{26}", ids.id)
        assert re.fullmatch("[0-9a-hjkmnp-tv-z]{52}", ids.stream_key)
    counts = Counter("".join(map("".join, made)))
    assert len(counts) == 32
    assert max(counts.values()) < 1.3 * min(counts.values())  # of 1,200 each


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="warns of a fork beside threads")
def test_the_copy_of_a_process_has_other_ids() -> None:
    new_job_ids()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sending, new_job_ids().id.encode())
        os._exit(0)
    os.waitpid(child, 0)
    ours = [new_job_ids().id for _ in range(64)]
    assert os.read(receiving, 26).decode() not in ours
    os.close(receiving)
    os.close(sending)
