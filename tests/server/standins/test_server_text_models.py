"""The stand-ins for language models."""

from __future__ import annotations

import re
from typing import Any

import pytest

from replicate_sync.server import LocalServer
from replicate_sync.server.standins import text as writing

LLAMA = "meta/meta-llama-3-70b-instruct"


GEMMA = "google-deepmind/gemma-2b-it"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WORD_DELAY", 0)


def text(call: Any, name: str, **input: Any) -> str:
    body = call.run(name, {"prompt": "Tell me about the bees", **input})
    assert body["status"] == "succeeded", body
    return "".join(body["output"])


@pytest.mark.parametrize(("name", "limit"), [(LLAMA, "max_tokens"), (GEMMA, "max_new_tokens")])
def test_the_same_seed_writes_the_same_text(
    local: LocalServer, call: Any, name: str, limit: str
) -> None:
    first = text(call, name, seed=7)
    assert text(call, name, seed=7) == first
    assert text(call, name, seed=8) != first
    assert text(call, name) != text(call, name)
    assert "bees" in first
    short = text(call, name, seed=7, **{limit: 6})
    assert first.startswith(short)
    assert len(short.split()) == 6


def test_the_text_begins_with_the_prompt_and_the_logs_name_the_stand_in(
    local: LocalServer, call: Any
) -> None:
    body = call.run(LLAMA, {"prompt": "Café Zoë"})
    assert "Café and Zoë" in "".join(body["output"])
    assert body["output"][-1] == ""
    assert re.match(rf"stand-in model: .*, not the real {LLAMA}\nUsing seed: \d+$", body["logs"])
    assert body["metrics"]["input_token_count"] == 7
    assert body["metrics"]["output_token_count"] == len(body["output"]) - 1


@pytest.mark.slow
def test_a_minimum_of_words_is_kept(local: LocalServer, call: Any) -> None:
    assert len(text(call, LLAMA, min_tokens=200, seed=1).split()) >= 200
    assert len(text(call, GEMMA, min_new_tokens=150, seed=1).split()) >= 150


def test_a_stop_sequence_ends_the_text_before_it(local: LocalServer, call: Any) -> None:
    whole = text(call, LLAMA, seed=5)
    words = whole.split(" ")
    stop = " ".join(words[5:8])[2:-1]
    assert text(call, LLAMA, seed=5, stop_sequences=f"never,{stop}") == whole[: whole.index(stop)]


def test_llama_has_its_own_name_for_the_limit(local: LocalServer, call: Any) -> None:
    response = call.post(
        f"/v1/models/{LLAMA}/predictions", {"input": {"prompt": "x", "max_new_tokens": 5}}
    )
    assert response.status_code == 422
    assert (
        response.json()["detail"] == "- input: Additional property max_new_tokens is not allowed\n"
    )


def test_performance_metrics_are_logged_on_request(local: LocalServer, call: Any) -> None:
    body = call.run(LLAMA, {"prompt": "x", "max_tokens": 2, "log_performance_metrics": True})
    assert body["logs"].endswith("Length penalty 1, template of 8 characters: not used here")
