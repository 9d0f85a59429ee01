"""What the server sends and the tasks expect: texts, files and JSON that both sides make."""

from __future__ import annotations

import json
import random
from functools import cache

TOKEN = "r8_" + "0" * 37
MODEL = "bench/model"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
REF = f"{MODEL}:{VERSION}"
BLOCK = random.Random(1).randbytes(2**20)
"""A file is this again and again."""


def word(number: int) -> str:
    """Return a token of a text, which has its position in it."""
    return f" t{number}"


def event(number: int, text: str, name: str = "output") -> bytes:
    """Return an event as Replicate writes it."""
    return f"event: {name}\nid: 1690212292:{number}\ndata: {text}\n\n".encode()


DONE = event(10**9, "{}", "done")


def words(count: int) -> str:
    """Return the text of so many tokens."""
    return "".join(map(word, range(count)))


def long_text(size: int) -> str:
    """Return a text of so many characters, as one token."""
    return ("The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


@cache
def document(kind: str, size: int) -> bytes:
    """Return a JSON value.

    Args:
        kind: "numbers", as embeddings are, or "records", as detections are.
        size: About how many bytes it has.
    """
    chance = random.Random(2)
    if kind == "numbers":
        items: list[object] = [
            [round(chance.uniform(-1, 1), 8) for _ in range(768)] for _ in range(16)
        ]
    else:
        items = [
            {
                "label": f"thing {n}",
                "score": chance.random(),
                "box": [chance.randrange(2000) for _ in range(4)],
            }
            for n in range(512)
        ]
    count = max(1, size * len(items) // len(json.dumps(items)))
    return json.dumps([items[n % len(items)] for n in range(count)]).encode()
