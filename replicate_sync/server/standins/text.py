"""Text for the stand-ins of language models: sentences of a few paragraphs, in another order.

The text follows from the prompt and the seed: with the same ones it is the same to the letter.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Iterator

from .. import job_context

WORD_DELAY = 0.006
"""Seconds between two words."""

_OPENINGS = (
    "About {}, then.",
    "You ask about {}.",
    "Let us think of {}.",
    "What can be said of {}?",
)
_COMMON_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the a an and or of to in on for with about is are was be do does what who how why when "
        "tell write say give me my you your i it this that please some can could would user "
        "assistant system",
    )
)


def choose_seed(seed: int | None, name: str) -> int:
    """Return the seed, or a random one for None, and log it.

    The logs also say that this is not the real model.

    Args:
        seed: The seed that the input names, or None.
        name: The name of the model.
    """
    if seed is None:
        seed = random.SystemRandom().randrange(2**31)
    job_context.log(f"stand-in model: a small local program runs here, not the real {name}")
    job_context.log(f"Using seed: {seed}")
    return seed


def write(prompt: str, seed: int, max_words: int, min_words: int = 0) -> Iterator[str]:
    """Yield a text word by word, each with the space before it.

    It begins with a word or two of the prompt, and ends with a whole sentence, unless `max_words`
    cuts it. A shorter text is the beginning of a longer one.

    Args:
        prompt: What it is about.
        seed: Another seed writes another text.
        max_words: The most words that it has.
        min_words: The fewest words that it has.
    """
    dice = random.Random(f"{seed} {prompt}".encode("utf-8", "surrogatepass"))
    wanted = max(min_words, dice.randint(40, 90))
    opening = dice.choice(_OPENINGS).format(_subject(prompt))
    written = 0
    for sentence in _sentences(opening, dice):
        if written >= wanted:
            return
        for word in sentence:
            if written == max_words:
                return
            time.sleep(WORD_DELAY)
            yield word if written == 0 or word.startswith("\n") else f" {word}"
            written += 1


def stop_at(chunks: Iterable[str], stop_sequences: Iterable[str]) -> Iterator[str]:
    """Yield the chunks up to the first stop sequence.

    Args:
        chunks: Pieces of a text.
        stop_sequences: What ends the text; one may begin in one chunk and end in another, and an
            empty one is ignored.
    """
    stops = [stop for stop in stop_sequences if stop]
    held = ""
    for chunk in chunks:
        held += chunk
        positions = [held.find(stop) for stop in stops if stop in held]
        if positions:
            if min(positions) > 0:
                yield held[: min(positions)]
            return
        keep = max((_overlap(held, stop) for stop in stops), default=0)
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def measure(chunks: Iterable[str], prompt: str) -> Iterator[str]:
    """Yield the chunks, and set the metrics that count the words of prompt and text.

    Args:
        chunks: The words of a text.
        prompt: What the text is about.
    """
    job_context.metric("input_token_count", len(prompt.split()))
    job_context.metric("output_token_count", 0)
    started_at = time.monotonic()
    for count, chunk in enumerate(chunks, 1):
        elapsed = time.monotonic() - started_at
        if count == 1:
            job_context.metric("time_to_first_token", round(elapsed, 6))
        job_context.metric("output_token_count", count)
        job_context.metric("tokens_per_second", round(count / max(elapsed, 1e-6), 3))
        yield chunk


def _sentences(opening: str, dice: random.Random) -> Iterator[list[str]]:
    """Yield the words of each sentence, without an end; some sentences begin a paragraph."""
    yield opening.split()
    sentences = re.split(r"(?<=[.!?])\s+", _PROSE.strip())
    while True:
        for sentence in dice.sample(sentences, len(sentences)):
            words = sentence.split()
            if dice.random() < 0.2:
                words[0] = f"\n\n{words[0]}"
            yield words


def _subject(prompt: str) -> str:
    words = re.findall(r"\w[\w'\u2019-]*", prompt)
    rare = [word for word in words if word.lower() not in _COMMON_WORDS]
    last = list(dict.fromkeys(rare))[-2:]
    return " and ".join(last) or "nothing in particular"


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of the text that is a beginning of the stop."""
    longest = min(len(text), len(stop) - 1)
    for length in range(longest, 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


_PROSE = """
The river comes down from the hills in the night and in the morning it is brown and fast. It carries
leaves, and now and then a branch, and it does not care about the bridge. By noon the water is slow
again. The children go down to the bank with their shoes in their hands, and the old man who keeps
the boats tells them that the river was wider when he was young. Nobody believes him, but everybody
likes the way he tells it.

The train leaves at ten past six. It is a small train with two carriages and a bell, and it goes
along the river as far as the mill, and then it climbs. In the winter the windows are white and you
can draw on them with a finger. In the summer they are open, and the smell of cut grass comes in,
and somebody always has a basket of cherries. The man who checks the tickets knows every name on the
line. He says that a train is a village that happens to move.

A garden is never finished. In March you think that nothing will come up, and in June you cannot
find the path. The beans climb over the fence, the roses climb over the beans, and the cat sleeps
under all of it. Water it in the evening, when the stones are still warm. Talk to it, if you like;
the neighbours do. The tomatoes want sun, the salad wants shade, and the gardener wants a chair.

The weather in the valley has a mind of its own. It rains on one side of the street and not on the
other. In the morning the mist lies on the fields like milk in a saucer, and by nine it is gone, and
nobody has seen it go. When the wind comes from the east, the doors close by themselves and the dogs
want to stay in. When it comes from the west, it smells of the sea, although the sea is two days
away.

There is a café at the station, and in the café there is a clock that is four minutes fast. It has
always been four minutes fast. People who live here know it and walk slowly; people who do not live
here run, and then they have time for a coffee. Zoë, who works behind the counter, says that the
clock is the best waiter she ever had. She bakes a cake with apples on Fridays — a crème brûlée,
too, when there is cream — and by four o\u2019clock there is nothing left of it.

In the evening the lamps are lit along the river, one after the other, and the water carries their
light as far as the bridge. The last train comes in with its bell. The old man ties up the boats and
counts them, and counts them again. Then it is quiet, and you can hear the garden grow: a leaf, a
drop of water, the cat. Somebody plays a waltz on a piano, not very well, with the window open.
Tomorrow it will rain, or it will not. The river knows, and the river keeps it to itself.

The library stands next to the school, and it smells of paper and floor polish. There are books
about the stars, about bees, about people who walked to the end of the world and came home again
with a stone in a pocket. You may take three of them and keep them for a month. The woman at the
desk writes the date with a pencil, and she never asks why you read what you read. When it is cold,
she leaves the stove on, and the room fills with people who want to be warm and find, after a while,
that they are reading.
"""
