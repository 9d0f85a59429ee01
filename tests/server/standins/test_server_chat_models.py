"""The stand-ins for chat models say what they were given."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from replicate_sync.server import LocalServer
from replicate_sync.server.standins import chat_models
from replicate_sync.server.standins import text as writing

HISTORY = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Bees?"}]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WORD_DELAY", 0)


@pytest.fixture
def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 9)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def text(call: Any, name: str, **input: Any) -> str:
    body = call.run(name, input)
    assert body["status"] == "succeeded", body
    return "".join(body["output"])


def test_gpt_takes_messages_pictures_effort_and_verbosity(
    local: LocalServer, call: Any, picture: str
) -> None:
    options = {"reasoning_effort": "low", "verbosity": "high"}
    written = text(
        call, chat_models.GPT, messages=HISTORY, image_input=[picture, picture], **options
    )
    assert "I was given 2 messages: 1 of the system, 1 of the user." in written
    assert "I was given 2 pictures: a PNG of 12 × 9 pixels" in written
    assert "With low reasoning effort and high verbosity." in written
    assert "Bees" in written
    assert len(text(call, chat_models.GPT, prompt="a", max_completion_tokens=20).split()) == 20


@pytest.mark.slow
def test_claude_takes_a_system_prompt_one_picture_and_at_least_1024_tokens(
    local: LocalServer, call: Any, picture: str
) -> None:
    written = text(
        call, chat_models.CLAUDE, prompt="Bees?", system_prompt="Be brief.", image=picture
    )
    assert written.startswith("My system prompt is “Be brief.”. I was given 1 picture: a PNG of 12")
    body = {"version": chat_models.CLAUDE, "input": {"prompt": "a", "max_tokens": 9}}
    assert "1024" in call.post("/v1/predictions", body).text


def test_gemini_takes_a_system_instruction_pictures_and_videos(
    local: LocalServer, call: Any, picture: str
) -> None:
    video = "data:video/mp4;base64,AAAA"
    written = text(
        call,
        chat_models.GEMINI,
        prompt="Bees?",
        system_instruction="Be brief.",
        images=[picture],
        videos=[video, "https://example.com/a.mp4"],
    )
    assert "My system prompt is “Be brief.”." in written
    assert "I was given 1 picture: a PNG" in written
    assert "I was given 2 videos: a mp4 file of 3 bytes; a file at “https" in written


def test_a_plain_llama_takes_a_prompt(local: LocalServer, call: Any) -> None:
    assert "Bees" in text(call, chat_models.PLAIN_LLAMA, prompt="Bees?", max_new_tokens=9)


def test_completion_objects_are_written_in_chunks_or_whole(local: LocalServer, call: Any) -> None:
    chunks = call.run(chat_models.COMPLETIONS, {"prompt": "Bees?", "max_tokens": 5})["output"]
    texts = [one["choices"][0]["delta"].get("content", "") for one in chunks[:-1]]
    assert len("".join(texts).split()) == 5
    assert chunks[-1]["usage"]["completion_tokens"] == 5
    body = call.run(chat_models.COMPLETIONS, {"prompt": "Bees?", "max_tokens": 5, "whole": True})
    (whole,) = body["output"]
    assert whole["choices"][0]["message"]["content"] == "".join(texts)


def test_a_structured_reply_conforms_to_its_schema(local: LocalServer, call: Any) -> None:
    properties = {
        "name": {"type": "string", "minLength": 9},
        "kind": {"enum": ["a", "b"]},
        "legs": {"type": ["integer", "null"], "minimum": 2},
        "tags": {"type": "array", "items": {"type": "boolean"}},
    }
    schema = {"type": "object", "properties": properties}
    body = call.run(
        chat_models.GPT_STRUCTURED, {"prompt": "a", "json_schema": {"format": {"schema": schema}}}
    )
    value = {"name": "sample sample", "kind": "a", "legs": 2, "tags": [True]}
    assert body["output"] == {"json_output": value, "text": json.dumps(value)}


def test_speech_and_vectors_have_stand_ins_too(local: LocalServer, call: Any) -> None:
    audio = "data:audio/wav;base64,AAAA"
    spoken = text(call, chat_models.TRANSCRIBE, audio_file=audio, language="fr")
    assert spoken == "This is the transcript of a wav file of 3 bytes, in fr."
    vectors = call.run(chat_models.EMBEDDINGS, {"texts": ["a b", "a b", "c"]})["output"]
    assert vectors[0] == vectors[1] != vectors[2]
