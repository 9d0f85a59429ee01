"""Figures become a table, in Markdown, that says where a goal is missed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from .rows import BETA, FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, PEERS, Figure

Found = Sequence[tuple[Figure, Mapping[str, float]]]
"""Each figure, and its median by peer."""

_HEAD = """\
# What was measured

{when}, {where}. For every line all peers worked in turn, again and again, against one server on the same machine; the
numbers are medians over the rounds. The absolute ones are this machine's, busy as it was; the ratios are what counts. What a
peer gave was compared each time with what the server had played.

"""
_LOOK = "This was a look, at works much smaller than the lines say: its numbers are worth nothing.\n\n"
_NOTES = """
`floor`: a socket and no more work than the bytes need (for the first three lines `http.client`). `naive`: requests and
sseclient-py, with no session. `httpx`: one `httpx.Client`, and httpx-sse. `beta`: replicate 2.0.0b4, which knows no event
streams. `–`: the peer cannot do it, or is not asked to. Goals are about this package; `missed` is said where it is so.
"""


def markdown(found: Found, when: str, failures: Sequence[str] = (), quick: bool = False) -> str:
    """Give the whole page."""
    where = f"{os.cpu_count()} cores, Python {sys.version_info.major}.{sys.version_info.minor}, {platform.system()}"
    failed = "\nA peer that fails once is out of that line:\n\n" + "".join(f"- {one}\n" for one in failures)
    return (
        _HEAD.format(when=when, where=where)
        + _LOOK * quick
        + "\n".join(_lines(found))
        + "\n"
        + _NOTES
        + failed * bool(failures)
    )


def number(value: float | None) -> str:
    """Write a figure with as many digits as tell something."""
    if value is None:
        return "–"
    if isnan(value):
        return "failed"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _lines(found: Found) -> Iterator[str]:
    official = PEERS[OFFICIAL]
    columns = ["what", "unit", FLOOR, NAIVE, HTTPX, official, BETA, "**here**", "× official", "× naive", "goal", ""]
    yield f"| {' | '.join(columns)} |"
    yield "|---|---|" + "--:|" * 8 + "---|---|"
    for figure, by in found:
        cells = [number(by.get(peer)) for peer in (FLOOR, NAIVE, HTTPX, OFFICIAL, BETA)]
        ratios = [_ratio(by, OFFICIAL), _ratio(by, NAIVE)]
        reached = figure.goal.reached(by) if figure.goal else None
        told = "" if reached is None else "reached" if reached else "**missed**"
        goal = str(figure.goal) if figure.goal else ""
        ours = f"**{number(by.get(OURS))}**"
        yield f"| {' | '.join([figure.title, figure.unit, *cells, ours, *ratios, goal, told])} |"


def _ratio(by: Mapping[str, float], other: str) -> str:
    return f"{by[OURS] / by[other]:.2f}" if OURS in by and by.get(other, 0.0) > 0 else "–"
