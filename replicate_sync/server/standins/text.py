"""Writers: stand-ins for language models, which put words in a row as a piece of prose does."""

from __future__ import annotations

import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from .. import job_context
from . import prose

_PAUSE = 0.006  # seconds between two words
_END = ".!?"
_OPENINGS = ("About {}, then.", "You ask about {}.", "Let us think of {}.", "What can be said of {}?")
_DULL = frozenset(
    re.findall(
        r"\w+",
        "the a an and or of to in on for with about is are was be do does what who how why when tell write "
        "say give me my you your i it this that please some can could would user assistant system",
    )
)


@dataclass(frozen=True)
class Taste:
    """How the next word is chosen: 0 for `temperature` takes the likeliest, 0 for `top_k` sets no limit."""

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 1.0
    repetition: float = 1.0


def seeded(seed: int | None, name: str) -> int:
    """Give the seed, or a random one where there is none, and log it with what this model is."""
    chosen = random.SystemRandom().randrange(2**31) if seed is None else seed
    job_context.log(f"stand-in model: a small local program answers here, not the real {name}")
    job_context.log(f"Using seed: {chosen}")
    return chosen


def write(prompt: str, seed: int, taste: Taste, most: int, least: int = 0) -> Iterator[str]:
    """Yield a text word by word, each with the space before it: the same one for the same arguments.

    It begins with a word or two of the prompt, and has at most `most` words, and at least `least`.
    """
    dice = random.Random(f"{seed} {prompt}")
    wanted = max(least, dice.randint(40, 90))
    opening = dice.choice(_OPENINGS).format(_subject(prompt)).split()
    for count, word in enumerate(_words(opening, dice, taste), 1):
        if count > most:
            return
        time.sleep(_PAUSE)
        yield word if count == 1 or word.startswith("\n") else f" {word}"
        if count >= wanted and word[-1] in _END:
            return


def until(chunks: Iterable[str], stops: Iterable[str]) -> Iterator[str]:
    """Yield the chunks up to the first of the `stops`, which may begin in one chunk and end in another."""
    sought = [stop for stop in stops if stop]
    held = ""
    for chunk in chunks:
        held += chunk
        cuts = [held.find(stop) for stop in sought if stop in held]
        if cuts:
            if held[: min(cuts)]:
                yield held[: min(cuts)]
            return
        keep = max((_overlap(held, stop) for stop in sought), default=0)
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def counted(chunks: Iterable[str], prompt: str) -> Iterator[str]:
    """Yield the chunks, and put the number of words read and written among the metrics."""
    job_context.metric("input_token_count", len(prompt.split()))
    job_context.metric("output_token_count", 0)
    begun = time.monotonic()
    for count, chunk in enumerate(chunks, 1):
        if count == 1:
            job_context.metric("time_to_first_token", round(time.monotonic() - begun, 6))
        job_context.metric("output_token_count", count)
        job_context.metric("tokens_per_second", round(count / max(time.monotonic() - begun, 1e-6), 3))
        yield chunk


def _words(opening: list[str], dice: random.Random, taste: Taste) -> Iterator[str]:
    yield from opening
    chain, starts = _chain()
    used: Counter[tuple[str, str]] = Counter()
    pair = dice.choice(starts)
    yield from pair
    while True:
        following = chain.get(pair)
        if not following:
            pair = dice.choice(starts)
            yield f"\n\n{pair[0]}"
            yield pair[1]
            continue
        # What was used becomes less likely, or the likeliest words would go round in a circle.
        weights = {w: n / (1 + used[pair[1], w]) ** max(taste.repetition, 1.0) for w, n in following.items()}
        word = _choose(weights, dice, taste)
        used[pair[1], word] += 1
        pair = (pair[1], word)
        yield word


def _choose(weights: dict[str, float], dice: random.Random, taste: Taste) -> str:
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    if taste.temperature <= 0:
        return ranked[0][0]
    ranked = ranked[: taste.top_k or None]
    # A huge power is a tiny temperature, and would leave the numbers that a float can hold.
    scaled = [(word, (weight / ranked[0][1]) ** min(1 / taste.temperature, 100)) for word, weight in ranked]
    total, kept, mass = sum(weight for _, weight in scaled), [scaled[0]], scaled[0][1]
    for word, weight in scaled[1:]:
        if mass >= taste.top_p * total:
            break
        kept.append((word, weight))
        mass += weight
    return dice.choices([word for word, _ in kept], [weight for _, weight in kept])[0]


@cache
def _chain() -> tuple[dict[tuple[str, str], Counter[str]], list[tuple[str, str]]]:
    chain: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    single: defaultdict[str, Counter[str]] = defaultdict(Counter)
    starts = []
    for paragraph in prose.TEXT.strip().split("\n\n"):
        words = paragraph.split()
        starts.append((words[0], words[1]))
        for first, second, third in zip(words, words[1:], words[2:], strict=False):
            chain[first, second][third] += 3
            single[second][third] += 1
    for pair, following in chain.items():
        following.update(single[pair[1]])
    # A pair that the prose never has arises where a word was taken by the one before it alone.
    for first, after in list(single.items()):
        for second in after:
            if second in single:
                chain.setdefault((first, second), Counter(single[second]))
    return dict(chain), starts


def _subject(prompt: str) -> str:
    words = [word for word in re.findall(r"\w[\w'\u2019-]*", prompt) if word.lower() not in _DULL]
    chosen = list(dict.fromkeys(words))[-2:]
    return " and ".join(chosen) or "nothing in particular"


def _overlap(text: str, stop: str) -> int:
    """Give the length of the longest end of the text that is a beginning of the stop."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
