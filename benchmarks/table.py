"""Results become a table in Markdown, which names the goals that are missed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from .rows import BETA, FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, PEERS, Figure

Results = Sequence[tuple[Figure, Mapping[str, float]]]
"""Each figure, and its median by peer."""

_HEAD = """\
# What was measured

{date}, {machine}. For every line all peers worked in turn, again and again, against one server on
the same machine; the numbers are medians over the rounds. The absolute ones are this machine's,
busy as it was; the ratios are what counts. What a peer returned was compared each time with what
the server had sent.

"""
_QUICK = "The tasks were much smaller than the lines say: these numbers mean nothing.\n\n"
_NOTES = """
`floor`: a socket and no more work than the bytes need (for the first three lines `http.client`).
`naive`: requests and sseclient-py, with no session. `httpx`: one `httpx.Client`, and httpx-sse.
`beta`: replicate 2.0.0b4, which knows no event streams. `–`: the peer cannot do it, or does not
have to. Goals are about this package; the last column says which are missed.
"""
_COLUMNS = (
    "what",
    "unit",
    FLOOR,
    NAIVE,
    HTTPX,
    PEERS[OFFICIAL],
    BETA,
    "**here**",
    "× official",
    "× naive",
    "goal",
    "",
)


def markdown(results: Results, date: str, failures: Sequence[str] = (), quick: bool = False) -> str:
    """Return the whole page.

    Args:
        results: The results.
        date: When they were measured.
        failures: What failed, as sentences.
        quick: Whether the tasks were small.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = f"{os.cpu_count()} cores, Python {version}, {platform.system()}"
    page = _HEAD.format(date=date, machine=machine)
    if quick:
        page += _QUICK
    page += "\n".join(_lines(results)) + "\n" + _NOTES
    if failures:
        page += "\nA peer that fails once is out of that line:\n\n"
        page += "".join(f"- {failure}\n" for failure in failures)
    return page


def number(value: float | None) -> str:
    """Return a figure with as many digits as mean something."""
    if value is None:
        return "–"
    if isnan(value):
        return "failed"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _lines(results: Results) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "|---|---|" + "--:|" * 8 + "---|---|"
    for figure, medians in results:
        others = [number(medians.get(peer)) for peer in (FLOOR, NAIVE, HTTPX, OFFICIAL, BETA)]
        cells = [
            figure.title,
            figure.unit,
            *others,
            f"**{number(medians.get(OURS))}**",
            _ratio(medians, OFFICIAL),
            _ratio(medians, NAIVE),
            str(figure.goal or ""),
            _outcome(figure, medians),
        ]
        yield f"| {' | '.join(cells)} |"


def _ratio(medians: Mapping[str, float], other: str) -> str:
    if OURS not in medians or not medians.get(other, 0.0) > 0:
        return "–"
    return f"{medians[OURS] / medians[other]:.2f}"


def _outcome(figure: Figure, medians: Mapping[str, float]) -> str:
    if figure.goal is None:
        return ""
    is_reached = figure.goal.is_reached(medians)
    if is_reached is None:
        return ""
    return "reached" if is_reached else "**missed**"
