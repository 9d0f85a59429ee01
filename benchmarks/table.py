"""Results become a table in Markdown, which names the goals that are missed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from math import isnan

from .rows import BETA, FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, PEERS, Measurement

_HEAD = """\
# What was measured

{date}, {machine}. For every line all peers worked in turn, round after round, against one server on
the same machine. The numbers of the peers are medians over the rounds; `±` is the interquartile
range of this package over its median; a ratio is the median of the ratios of the rounds. The
absolute numbers are this machine's, busy as it was; the ratios are what counts. What a peer
returned was compared each time with what the server had sent.

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
    "±",
    "× official",
    "× naive",
    "goal",
    "",
)


def markdown(
    results: Sequence[Measurement], date: str, failures: Sequence[str] = (), quick: bool = False
) -> str:
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


def _lines(results: Sequence[Measurement]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "|---|---|" + "--:|" * 9 + "---|---|"
    for result in results:
        peers = (FLOOR, NAIVE, HTTPX, OFFICIAL, BETA)
        cells = [
            result.figure.title,
            result.figure.unit,
            *(number(result.median(peer)) for peer in peers),
            f"**{number(result.median(OURS))}**",
            _percentage(result.spread()),
            _ratio(result.ratio(OFFICIAL)),
            _ratio(result.ratio(NAIVE)),
            str(result.figure.goal or ""),
            _outcome(result.is_reached()),
        ]
        yield f"| {' | '.join(cells)} |"


def _percentage(share: float | None) -> str:
    if share is None:
        return "–"
    return f"{100 * share:.0f} %"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    return f"{ratio:.2f}"


def _outcome(is_reached: bool | None) -> str:
    if is_reached is None:
        return ""
    if is_reached:
        return "reached"
    return "**missed**"
