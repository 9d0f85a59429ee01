"""`python -m benchmarks`: measure, and write the table and the picture beside this file."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from pathlib import Path

from . import plot, table
from .environments import MissingPeer
from .measuring import ROWS, Result, measured
from .rows import OURS, PEERS


def main() -> None:
    """Read the arguments, measure, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this package beside its peers.")
    parser.add_argument("--quick", action="store_true", help="a look: small works, few rounds; nothing is written")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="rows whose work or title has it; nothing is written")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="which ones (default: all)")
    asked = parser.parse_args()
    rows = [row for row in ROWS if not asked.only or any(text in f"{row.work} {row.title}" for text in asked.only)]
    if not rows:
        sys.exit(f"No row has {' or '.join(asked.only)} in it; there are {', '.join(row.work for row in ROWS)}.")
    try:
        found, failures = measured(rows, [*dict.fromkeys([*asked.peers, OURS])], asked.quick, _told)
    except MissingPeer as missing:
        sys.exit(str(missing))
    when = datetime.now(timezone.utc).date().isoformat()
    if asked.quick or asked.only or set(asked.peers) != set(PEERS):
        print(table.markdown(found, when, failures, asked.quick))
        return
    here = Path(__file__).parent
    (here / "results.md").write_text(table.markdown(found, when, failures), encoding="utf-8")
    plot.draw(found, here / "results.svg", when)
    print(f"Written: {here / 'results.md'}, {here / 'results.svg'}")


def _told(result: Result) -> None:
    figure, by = result
    print(f"{figure.title} [{figure.unit}]:", ", ".join(f"{peer} {table.number(by[peer])}" for peer in by), flush=True)


if __name__ == "__main__":
    main()
