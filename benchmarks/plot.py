"""The table as a picture: each peer's figure over the official client's, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .rows import BETA, FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, PEERS, Measurement

_MARKS = {
    FLOOR: ("|", "0.5"),
    NAIVE: ("v", "tab:orange"),
    HTTPX: ("^", "tab:green"),
    BETA: ("s", "tab:purple"),
    OURS: ("o", "tab:blue"),
}


def draw(results: Sequence[Measurement], path: Path, date: str) -> None:
    """Write the picture, in the format that the path's suffix names. Needs matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"
    from matplotlib import pyplot

    shown = [
        (result.figure, {peer: result.median(peer) or 0.0 for peer in result.samples})
        for result in results
        if result.figure.unit and result.ratio(OFFICIAL)
    ]
    shown.reverse()
    page, axes = pyplot.subplots(figsize=(9, 1.2 + 0.27 * len(shown)), layout="constrained")
    for peer, (marker, color) in _MARKS.items():
        points = [
            (medians[peer] / medians[OFFICIAL], height)
            for height, (_, medians) in enumerate(shown)
            if medians.get(peer, 0) > 0
        ]
        if points:
            x, y = zip(*points, strict=True)
            axes.scatter(x, y, marker=marker, color=color, label=PEERS[peer], zorder=3)
    titles = [f"{figure.title} ({figure.unit})" for figure, _ in shown]
    axes.axvline(1, color="tab:red", label=PEERS[OFFICIAL])
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), titles, fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel(f"over {PEERS[OFFICIAL]}; less is better but for speeds; measured on {date}")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    page.savefig(path, metadata={"Date": None})
    pyplot.close(page)
