"""Stand-ins for chat models of each form: with messages, with a system prompt, with neither.

What they write begins with what they were given, so that a person sees that a picture arrived.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from .. import job_context
from ..models import builtin
from ..schemas import Between
from . import text
from .json_samples import sample
from .reports import describe_chat, describe_file

GPT = "openai/gpt-5-mini"
GPT_STRUCTURED = "openai/gpt-5-structured"
CLAUDE = "anthropic/claude-4-sonnet"
GEMINI = "google/gemini-2.5-flash"
PLAIN_LLAMA = "meta/llama-2-7b"
COMPLETIONS = "local/completions"
TRANSCRIBE = "openai/gpt-4o-mini-transcribe"
EMBEDDINGS = "ibm-granite/granite-embedding-278m-multilingual"

Prompt = Annotated[str, "The prompt to send to the model."]
SystemPrompt = Annotated[str, "What the model is told before everything else"]
MessageList = Annotated[
    "list[Any]",
    "A JSON string representing a list of messages. If it is given, prompt and system_prompt are "
    "ignored.",
]
Pictures = Annotated["list[Path]", "List of images to send to the model"]
Effort = Literal["minimal", "low", "medium", "high"]
Level = Literal["low", "medium", "high"]
_DIMENSIONS = 8


@builtin.model(GPT)
def gpt(
    prompt: Prompt = "",
    system_prompt: SystemPrompt = "",
    messages: MessageList = [],  # noqa: B006  # as in the real schema; it is only read
    image_input: Pictures = [],  # noqa: B006
    reasoning_effort: Effort = "medium",
    verbosity: Level = "medium",
    max_completion_tokens: Annotated[int | None, "How many tokens it may write", Between(1)] = None,
) -> Iterator[str]:
    """A stand-in for a chat model that takes messages and pictures."""
    if messages:
        report = describe_chat(messages, pictures=image_input)
        subject = _last_text(messages)
    else:
        report = describe_chat([], system_prompt, image_input)
        subject = prompt
    report += f" With {reasoning_effort} reasoning effort and {verbosity} verbosity."
    yield from _write(GPT, report, subject, max_completion_tokens or 512)


@builtin.model(GPT_STRUCTURED)
def gpt_structured(
    prompt: Prompt = "",
    instructions: SystemPrompt = "",
    image_input: Pictures = [],  # noqa: B006
    json_schema: Annotated[
        dict[str, Any], "A JSON schema that the reply conforms to, as {'format': {…}}"
    ] = {},  # noqa: B006
    reasoning_effort: Effort = "minimal",
    verbosity: Level = "medium",
    max_output_tokens: Annotated[int | None, "How many tokens it may write", Between(16)] = None,
) -> dict[str, Any]:
    """A stand-in for a model whose reply conforms to a JSON schema."""
    text.choose_seed(0, GPT_STRUCTURED)
    job_context.log(f"prompt of {len(prompt)} and instructions of {len(instructions)} characters")
    job_context.log(
        f"{len(image_input)} pictures, {reasoning_effort} effort, {verbosity} verbosity"
    )
    job_context.metric("input_token_count", len(prompt.split()))
    schema = json_schema.get("format", {}).get("schema", {})
    value = sample(schema)
    written = json.dumps(value)
    job_context.metric("output_token_count", min(len(written.split()), max_output_tokens or 512))
    return {"json_output": value, "text": written}


@builtin.model(CLAUDE)
def claude(
    prompt: Prompt,
    system_prompt: SystemPrompt = "",
    image: Annotated[
        Path | None, "Input image. Images are priced as (width px * height px)/750"
    ] = None,
    max_tokens: Annotated[int, "How many tokens it may write", Between(1024, 64000)] = 8192,
    max_image_resolution: Annotated[
        float, "Maximum image resolution in megapixels", Between(0.001, 2)
    ] = 0.5,
) -> Iterator[str]:
    """A stand-in for a chat model that takes a system prompt and one picture."""
    pictures = [image] if image is not None else []
    report = describe_chat([], system_prompt, pictures)
    if pictures:
        report += f" I saw it in {max_image_resolution:g} megapixels at most."
    yield from _write(CLAUDE, report, prompt, max_tokens)


@builtin.model(GEMINI)
def gemini(
    prompt: Prompt,
    system_instruction: SystemPrompt = "",
    images: Pictures = [],  # noqa: B006
    videos: Annotated[list[Path], "List of videos to send to the model"] = [],  # noqa: B006
    temperature: Annotated[float, Between(0, 2)] = 1.0,
    top_p: Annotated[float, Between(0, 1)] = 0.95,
    max_output_tokens: Annotated[int, "How many tokens it may write", Between(1, 65535)] = 65535,
) -> Iterator[str]:
    """A stand-in for a chat model that takes a system instruction, pictures and videos."""
    report = describe_chat([], system_instruction, images, videos)
    job_context.log(f"temperature {temperature:g} and top_p {top_p:g} have no effect here")
    yield from _write(GEMINI, report, prompt, max_output_tokens)


@builtin.model(PLAIN_LLAMA)
def plain_llama(
    prompt: Prompt,
    max_new_tokens: Annotated[int, "How many tokens it may write", Between(1)] = 128,
    temperature: Annotated[float, Between(0.01, 5)] = 0.75,
    stop_sequences: Annotated[str, "A comma-separated list of sequences to stop at"] = "",
    seed: Annotated[int | None, "Random seed"] = None,
) -> Iterator[str]:
    """A stand-in for a language model that takes a prompt and nothing beside it."""
    job_context.log(f"temperature {temperature:g} has no effect here")
    words = text.write(prompt, text.choose_seed(seed, PLAIN_LLAMA), max_new_tokens)
    yield from text.measure(text.stop_at(words, stop_sequences.split(",")), prompt)


@builtin.model(COMPLETIONS)
def completions(
    prompt: Prompt,
    system_prompt: SystemPrompt = "",
    max_tokens: Annotated[int, "How many tokens it may write", Between(1)] = 256,
    whole: Annotated[
        bool, "Whether to write one object, in place of a chunk for each word"
    ] = False,
) -> Iterator[dict[str, Any]]:
    """A stand-in for a model that writes OpenAI's completion objects in place of text."""
    words = _write(COMPLETIONS, describe_chat([], system_prompt), prompt, max_tokens)
    head = {"id": "chatcmpl-local", "created": int(time.time()), "model": COMPLETIONS}
    count = 0
    written: list[str] = []
    for word in words:
        count += 1
        if whole:
            written.append(word)
            continue
        delta = {"index": 0, "delta": {"content": word}, "finish_reason": None}
        yield {**head, "object": "chat.completion.chunk", "choices": [delta]}
    read = len(prompt.split())
    usage = {"prompt_tokens": read, "completion_tokens": count, "total_tokens": read + count}
    if whole:
        message = {"role": "assistant", "content": "".join(written)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        yield {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        return
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield {**head, "object": "chat.completion.chunk", "choices": [end]}
    yield {**head, "object": "chat.completion.chunk", "choices": [], "usage": usage}


@builtin.model(TRANSCRIBE)
def transcribe(
    audio_file: Annotated[Path, "The audio file to transcribe"],
    language: Annotated[str, "The language of the audio, as two letters"] = "",
    prompt: Annotated[str, "A text to guide the model's style"] = "",
    temperature: Annotated[float, Between(0, 1)] = 0.0,
) -> Iterator[str]:
    """A stand-in for a model that transcribes speech; it says what it was given instead."""
    spoken = f"This is the transcript of {describe_file(audio_file)}"
    if language:
        spoken += f", in {language}"
    job_context.log(f"prompt of {len(prompt)} characters, temperature {temperature:g}")
    for number, word in enumerate(f"{spoken}.".split()):
        yield word if number == 0 else f" {word}"


@builtin.model(EMBEDDINGS)
def embed(texts: Annotated[list[str], "The texts to embed"]) -> list[list[float]]:
    """A stand-in for a model that makes vectors of texts: a share of words for each dimension."""
    job_context.metric("input_token_count", sum(len(one.split()) for one in texts))
    return [_vector(one) for one in texts]


def _write(name: str, report: str, subject: str, max_words: int) -> Iterator[str]:
    """Yield the report of what was given, and then a text about the subject."""
    # The same chat gets the same reply, as with temperature 0.
    seed = text.choose_seed(len(subject), name)
    words = text.write(subject, seed, max(0, max_words - len(report.split())))
    yield from text.measure(_one_after_the_other(report, words), subject)


def _one_after_the_other(report: str, words: Iterator[str]) -> Iterator[str]:
    for number, word in enumerate(report.split()):
        yield word if number == 0 else f" {word}"
    for number, word in enumerate(words):
        if number == 0 and report:
            yield f" {word}"
        else:
            yield word


def _last_text(messages: list[Any]) -> str:
    """Return the text of the last message."""
    last = messages[-1]
    content = last.get("content") if isinstance(last, dict) else last
    if isinstance(content, list):
        texts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return " ".join(map(str, texts))
    return str(content or "")


def _vector(one: str) -> list[float]:
    counts = [0] * _DIMENSIONS
    for word in one.lower().split():
        counts[sum(word.encode()) % _DIMENSIONS] += 1
    length = sum(count * count for count in counts) ** 0.5 or 1.0
    return [round(count / length, 6) for count in counts]
