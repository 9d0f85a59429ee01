"""Pictures, vectors and transcripts by OpenAI's protocol."""

from __future__ import annotations

import base64
import io
import struct
from typing import Any

import pytest
from flask.testing import FlaskClient

from replicate_sync.server import LocalServer

IMAGES = "/v1/images/generations"
EMBEDDINGS = "/v1/embeddings"
SPEECH = "/v1/audio/transcriptions"


@pytest.mark.slow
def test_pictures_are_urls(gateway: FlaskClient, server: LocalServer) -> None:
    body = {"model": "dall-e-3", "prompt": "a cat", "n": 2, "size": "1024x1024", "quality": "auto"}
    response = gateway.post(IMAGES, json=body).json
    assert len(response["data"]) == 2
    assert all(picture["url"].startswith(server.origin) for picture in response["data"])


def test_pictures_are_base64_where_that_is_asked_for(gateway: FlaskClient) -> None:
    body = {"model": "me/sizes", "prompt": "a", "size": "20x30", "response_format": "b64_json"}
    [picture] = gateway.post(IMAGES, json=body).json["data"]
    assert base64.b64decode(picture["b64_json"]) == b"20x30"


@pytest.mark.slow
def test_several_pictures_of_a_model_that_makes_one_are_several_predictions(
    gateway: FlaskClient,
) -> None:
    assert (
        len(gateway.post(IMAGES, json={"model": "me/sizes", "prompt": "a", "n": 2}).json["data"])
        == 2
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": "1024x1023"}, "cannot draw 1024x1023; it takes aspect_ratio: 1:1"),
        ({"size": "big"}, "'size' must be"),
        ({"size": "0x0"}, "'size' must be"),
        ({"n": 0}, "'n' must be"),
        ({"response_format": "file"}, "'response_format' must be"),
        ({"quality": "hd"}, "no input 'quality'; it takes prompt"),
        ({"output_format": "bmp"}, "output_format must be one of"),
        ({"model": "me/echo", "prompt": "a"}, "draws nothing: it returns a text, piece by piece"),
        ({"prompt": ""}, "'prompt' is needed"),
        ({"model": "replicate/hello-world"}, "draws nothing: it returns a text."),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_an_error(
    gateway: FlaskClient, fields: dict[str, Any], message: str
) -> None:
    response = gateway.post(IMAGES, json={"model": "dall-e-3", "prompt": "a", **fields})
    assert response.status_code >= 400
    assert message in response.json["error"]["message"]


def test_vectors_are_numbers_or_base64(gateway: FlaskClient) -> None:
    body: dict[str, Any] = {"model": "embed", "input": ["a b", "c"]}
    response = gateway.post(EMBEDDINGS, json=body).json
    assert [one["index"] for one in response["data"]] == [0, 1]
    assert response["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    vector = response["data"][0]["embedding"]
    encoded = gateway.post(EMBEDDINGS, json={**body, "encoding_format": "base64"}).json
    text = encoded["data"][0]["embedding"]
    assert struct.unpack(f"<{len(vector)}f", base64.b64decode(text)) == pytest.approx(vector)


def test_a_model_that_takes_one_text_is_asked_for_each(gateway: FlaskClient) -> None:
    response = gateway.post(EMBEDDINGS, json={"model": "me/vector", "input": ["a", "bc"]}).json
    assert [one["embedding"] for one in response["data"]] == [[1.0, 1.0], [2.0, 1.0]]


@pytest.mark.parametrize(
    "body",
    [
        {"model": "embed", "input": []},
        {"model": "embed", "input": [[1, 2]]},
        {"model": "embed", "input": "a", "encoding_format": "hex"},
        {"model": "me/sizes", "input": "a"},
        {"model": "embed", "input": "a", "dimensions": 5},
    ],
)
def test_what_cannot_be_embedded_is_an_error(gateway: FlaskClient, body: Any) -> None:
    assert gateway.post(EMBEDDINGS, json=body).status_code in (400, 502)


@pytest.mark.parametrize(("kind", "is_json"), [("json", True), ("text", False), ("", True)])
def test_speech_becomes_text(gateway: FlaskClient, kind: str, is_json: bool) -> None:
    form = {
        "model": "whisper-1",
        "file": (io.BytesIO(b"RIFF\0\0\0\0WAVE"), "a.wav"),
        "language": "fr",
        "temperature": "0.5",
        "response_format": kind,
    }
    response = gateway.post(SPEECH, data=form)
    text = response.json["text"] if is_json else response.text
    assert text.startswith("This is the transcript of a ")
    assert text.strip().endswith("in fr.")


@pytest.mark.parametrize(
    "fields",
    [
        {"model": ""},
        {"file": "x"},
        {"response_format": "srt"},
        {"temperature": "hot"},
        {"speed": "2"},
        {"model": "me/echo"},
    ],
)
def test_what_cannot_be_transcribed_is_an_error(gateway: FlaskClient, fields: Any) -> None:
    form = {"model": "whisper-1", "file": (io.BytesIO(b"x"), "a.wav"), **fields}
    assert gateway.post(SPEECH, data=form).status_code in (400, 404)
