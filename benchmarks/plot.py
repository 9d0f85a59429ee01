"""The table as a picture: each peer's figure over the official client's, on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path

from .rows import BETA, FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, PEERS
from .table import Found

_LOOKS = {FLOOR: ("|", "0.5"), NAIVE: ("v", "tab:orange"), HTTPX: ("^", "tab:green"), BETA: ("s", "tab:purple")}


def draw(found: Found, path: Path, when: str) -> None:
    """Write the picture, in the format that the path's ending says. Needs matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"
    from matplotlib import pyplot

    shown = [(figure, by) for figure, by in found if figure.unit and by.get(OFFICIAL, 0) > 0 and OURS in by]
    shown.reverse()
    page, axes = pyplot.subplots(figsize=(9, 1.2 + 0.27 * len(shown)), layout="constrained")
    for peer, (marker, color) in {**_LOOKS, OURS: ("o", "tab:blue")}.items():
        places = [(by[peer] / by[OFFICIAL], at) for at, (_, by) in enumerate(shown) if by.get(peer, 0) > 0]
        if places:
            axes.scatter(*zip(*places, strict=True), marker=marker, color=color, label=PEERS[peer], zorder=3)
    axes.axvline(1, color="tab:red", label=PEERS[OFFICIAL])
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [f"{figure.title} ({figure.unit})" for figure, _ in shown], fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel(f"over {PEERS[OFFICIAL]}; less is better but for speeds; measured on {when}")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    page.savefig(path, metadata={"Date": None})
    pyplot.close(page)
