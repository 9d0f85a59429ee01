"""What a stand-in was given, in words: messages, a system prompt, pictures and other files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

_MAX_QUOTED = 80  # characters of a system prompt


def describe_chat(
    messages: Sequence[object],
    system_prompt: str = "",
    pictures: Sequence[object] = (),
    videos: Sequence[object] = (),
) -> str:
    """Return what a chat consists of, as sentences; "" where it is one prompt and nothing else.

    Args:
        messages: The messages, or none where there is a prompt.
        system_prompt: The system prompt, or "".
        pictures: Its pictures, as paths or URLs.
        videos: Its videos.
    """
    sentences = []
    if messages:
        roles = Counter(
            str(message.get("role")) for message in messages if isinstance(message, Mapping)
        )
        counts = ", ".join(f"{count} of the {role}" for role, count in roles.items())
        sentences.append(f"I was given {_count(len(messages), 'message')}: {counts}.")
    if system_prompt:
        sentences.append(f"My system prompt is {_quote(system_prompt)}.")
    for files, word in ((pictures, "picture"), (videos, "video")):
        if files:
            described = "; ".join(map(describe_file, files))
            sentences.append(f"I was given {_count(len(files), word)}: {described}.")
    return " ".join(sentences)


def describe_file(file: object) -> str:
    """Return what a file is, such as "a PNG of 64 × 48 pixels (312 bytes)"."""
    if not isinstance(file, Path):  # a file of another machine is not fetched, and stays a URL
        return f"a file at {_quote(str(file))}"
    size = f"{file.stat().st_size} bytes"
    from PIL import Image

    try:
        with Image.open(file) as image:
            width, height = image.size
            return f"a {image.format} of {width} × {height} pixels ({size})"
    except OSError:
        return f"a {file.suffix.lstrip('.') or 'nameless'} file of {size}"


def _count(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    return f"{number} {word}s"


def _quote(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > _MAX_QUOTED:
        line = f"{line[:_MAX_QUOTED]}…"
    return f"“{line}”"
