"""The stand-ins for image models."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
from PIL import Image

from replicate_sync.server import LocalServer
from replicate_sync.server.standins import images

FLUX = "black-forest-labs/flux-schnell"


SDXL = "5f24084160c9089501c1b3545d9be3c27883ae2239b6f412990e82d4a6210f8f"
PLAYGROUND = "a45f82a1382bed5c7aeb861dac7c7d191b0fdf74d8d57c4a0e6ed7d4d0bf7d24"
STABLE_DIFFUSION = "527d2a6296facb8e47ba1eaf17f142c240c19a30894f437feee9b91cc29d8e4f"
GEMMA = "dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626"
PINNED = {
    "bytedance/sdxl-lightning-4step": SDXL,
    "playgroundai/playground-v2.5-1024px-aesthetic": PLAYGROUND,
    "stability-ai/stable-diffusion-3": STABLE_DIFFUSION,
    "google-deepmind/gemma-2b-it": GEMMA,
}


def image(url: str) -> Any:
    return Image.open(io.BytesIO(requests.get(url, timeout=5).content))


def test_the_pinned_versions_exist(local: LocalServer, call: Any) -> None:
    for name, version in PINNED.items():
        assert call.get(f"/v1/models/{name}").json()["latest_version"]["id"] == version


@pytest.mark.parametrize(
    ("kind", "format", "type"),
    [("webp", "WEBP", "image/webp"), ("jpg", "JPEG", "image/jpeg"), ("png", "PNG", "image/png")],
)
def test_a_picture_has_the_requested_format(
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["bytedance/sdxl-lightning-4step", "playgroundai/playground-v2.5-1024px-aesthetic"]
)
def test_a_picture_has_the_requested_size(local: LocalServer, call: Any, name: str) -> None:
    body = call.run(PINNED[name], {"prompt": "hills", "width": 300, "height": 257})
    assert image(body["output"][0]).size == (300, 257)


@pytest.mark.slow
def test_stable_diffusion_draws(local: LocalServer, call: Any) -> None:
    body = call.run(
        PINNED["stability-ai/stable-diffusion-3"], {"prompt": "hills", "aspect_ratio": "16:9"}
    )
    assert image(body["output"][0]).size == images.size_of("16:9")
