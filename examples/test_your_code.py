"""Test code that runs models without a token or a network: `pytest examples/test_your_code.py`."""

from __future__ import annotations

import pytest

from replicate_sync import PredictionFailed, Replicate
from replicate_sync.server import LocalServer

LLAMA = "meta/meta-llama-3-70b-instruct"


def summary(text: str) -> str:
    """Return one sentence about a text: your own code, by this client or the official one."""
    pieces = Replicate().chat(f"Summarize in one sentence: {text}", LLAMA, max_tokens=50)
    return "".join(pieces).strip()


def test_a_summary_is_what_the_model_wrote(replicate_server: LocalServer) -> None:
    replicate_server.script(LLAMA, tokens=["A river", " runs.\n"])
    assert summary("Long ago …") == "A river runs."
    assert replicate_server.requests[0].json["input"]["prompt"].startswith("Summarize")


def test_a_cut_connection_loses_nothing(replicate_server: LocalServer) -> None:
    replicate_server.script(LLAMA, tokens=["A river", " runs", ".\n"])
    replicate_server.faults.cut_stream(after=1)
    assert summary("Long ago …") == "A river runs."


def test_a_model_that_fails_is_not_taken_for_a_summary(replicate_server: LocalServer) -> None:
    replicate_server.script(LLAMA, fail="out of memory")
    with pytest.raises(PredictionFailed, match="out of memory"):
        summary("Long ago …")
