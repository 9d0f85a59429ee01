"""Test code that runs models, without token or network: `pytest examples/test_your_code.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import replicate_sync
from replicate_sync import PredictionFailed, Replicate
from replicate_sync.offline import LocalReplicate


def summary(client: Replicate, text: str) -> str:
    """Your own code: one sentence about a text."""
    return "".join(client.chat(f"Summarize in one sentence: {text}", max_tokens=50)).strip()


@pytest.fixture
def client() -> Iterator[LocalReplicate]:
    with replicate_sync.local() as client:
        yield client


def test_a_summary_is_what_the_model_wrote(client: LocalReplicate) -> None:
    @client.server.model("meta/meta-llama-3-70b-instruct")
    def llama(prompt: str, max_tokens: int) -> Iterator[str]:
        assert prompt.startswith("Summarize")
        assert max_tokens == 50
        yield from ("A river", " runs.\n")

    assert summary(client, "Long ago …") == "A river runs."


def test_a_model_that_fails_is_not_taken_for_a_summary(client: LocalReplicate) -> None:
    @client.server.model("meta/meta-llama-3-70b-instruct")
    def llama(prompt: str, max_tokens: int) -> str:
        raise RuntimeError("out of memory")

    with pytest.raises(PredictionFailed, match="out of memory"):
        summary(client, "Long ago …")
