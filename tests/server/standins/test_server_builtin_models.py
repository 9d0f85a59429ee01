"""The models that every server has."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import requests
from PIL import Image

from replicate_sync.server import LocalServer
from replicate_sync.server.standins import images
from replicate_sync.server.standins import text as writing

LLAMA = "meta/meta-llama-3-70b-instruct"
GEMMA = "google-deepmind/gemma-2b-it"
FLUX = "black-forest-labs/flux-schnell"
PINNED = {
    "google-deepmind/gemma-2b-it": "dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626",
    "stability-ai/stable-diffusion-3": "527d2a6296facb8e47ba1eaf17f142c240c19a30894f437feee9b91cc29d8e4f",
    "bytedance/sdxl-lightning-4step": "5f24084160c9089501c1b3545d9be3c27883ae2239b6f412990e82d4a6210f8f",
    "playgroundai/playground-v2.5-1024px-aesthetic":
        "a45f82a1382bed5c7aeb861dac7c7d191b0fdf74d8d57c4a0e6ed7d4d0bf7d24",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WORD_DELAY", 0)


def text(call: Any, name: str, **input: Any) -> str:
    body = call.run(name, {"prompt": "Tell me about the bees", **input})
    assert body["status"] == "succeeded", body
    return "".join(body["output"])


def image(url: str) -> Any:
    return Image.open(io.BytesIO(requests.get(url, timeout=5).content))


def test_the_pinned_versions_are_there(local: LocalServer, call: Any) -> None:
    for name, version in PINNED.items():
        assert call.get(f"/v1/models/{name}").json()["latest_version"]["id"] == version
        assert call.create(version, {"prompt": "x"})["model"] == name


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


def test_a_prompts_words_begin_the_text_and_a_stand_in_says_what_it_is(
    local: LocalServer, call: Any
) -> None:
    body = call.run(LLAMA, {"prompt": "Café Zoë"})
    assert "Café and Zoë" in "".join(body["output"])
    assert body["output"][-1] == ""
    assert re.match(rf"stand-in model: .*, not the real {LLAMA}\nUsing seed: \d+$", body["logs"])
    assert body["metrics"]["input_token_count"] == 7
    assert body["metrics"]["output_token_count"] == len(body["output"]) - 1


def test_a_least_number_of_words_is_kept(local: LocalServer, call: Any) -> None:
    assert len(text(call, LLAMA, min_tokens=200, seed=1).split()) >= 200
    assert len(text(call, GEMMA, min_new_tokens=150, seed=1).split()) >= 150


def test_a_stop_sequence_ends_the_text_before_it(local: LocalServer, call: Any) -> None:
    whole = text(call, LLAMA, seed=5)
    words = whole.split(" ")
    stop = " ".join(words[5:8])[2:-1]
    assert text(call, LLAMA, seed=5, stop_sequences=f"never,{stop}") == whole[: whole.index(stop)]


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


def test_llama_spells_its_limit_its_own_way(local: LocalServer, call: Any) -> None:
    response = call.post(
        f"/v1/models/{LLAMA}/predictions", {"input": {"prompt": "x", "max_new_tokens": 5}}
    )
    assert response.status_code == 422
    assert (
        response.json()["detail"] == "- input: Additional property max_new_tokens is not allowed\n"
    )


@pytest.mark.parametrize("ratio", images.RATIOS)
def test_a_ratio_is_kept_exactly(ratio: str) -> None:
    wide, high = images.size_of(ratio)
    left, right = map(int, ratio.split(":"))
    assert wide * right == high * left
    assert 0.9 < wide * high / 1024**2 < 1.1


@pytest.mark.parametrize(
    ("kind", "format", "type"),
    [("webp", "WEBP", "image/webp"), ("jpg", "JPEG", "image/jpeg"), ("png", "PNG", "image/png")],
)
def test_a_picture_has_the_format_that_was_asked_for(
    local: LocalServer, call: Any, kind: str, format: str, type: str
) -> None:
    body = call.run(
        FLUX,
        {
            "prompt": "hills",
            "output_format": kind,
            "megapixels": "0.25",
            "aspect_ratio": "3:2",
            "num_outputs": 2,
        },
    )
    assert [url.rpartition("/")[2] for url in body["output"]] == [f"out-0.{kind}", f"out-1.{kind}"]
    assert (image(body["output"][0]).format, image(body["output"][0]).size) == (
        format,
        images.size_of("3:2", 0.25),
    )
    assert requests.head(body["output"][0], timeout=5).headers["Content-Type"] == type
    assert body["metrics"]["image_count"] == 2
    assert body["logs"].startswith("stand-in model: ")


@pytest.mark.parametrize(
    "name", ["bytedance/sdxl-lightning-4step", "playgroundai/playground-v2.5-1024px-aesthetic"]
)
def test_a_picture_has_the_size_that_was_asked_for(
    local: LocalServer, call: Any, name: str
) -> None:
    body = call.run(PINNED[name], {"prompt": "hills", "width": 300, "height": 257})
    assert image(body["output"][0]).size == (300, 257)


def test_the_same_seed_draws_the_same_picture() -> None:
    def drawn(prompt: str, seed: int) -> bytes:
        return images.draw(prompt, seed, (64, 48)).getvalue()

    assert drawn("a", 1) == drawn("a", 1)
    assert len({drawn("a", 1), drawn("a", 2), drawn("b", 1)}) == 3
    assert drawn("日本 é \n", 1)


def test_stable_diffusion_draws(local: LocalServer, call: Any) -> None:
    body = call.run(
        PINNED["stability-ai/stable-diffusion-3"], {"prompt": "hills", "aspect_ratio": "16:9"}
    )
    assert image(body["output"][0]).size == images.size_of("16:9")
