"""`python -m benchmarks`: measure, and write the table and the picture beside this file."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from pathlib import Path

from . import plot, table
from .environments import MissingPeer
from .measuring import ROWS, measure
from .rows import OURS, PEERS, Measurement, Row


def main() -> None:
    """Parse the arguments, measure, and write."""
    arguments = _parse_arguments()
    rows = [row for row in ROWS if _is_selected(row, arguments.only)]
    if not rows:
        tasks = ", ".join(row.task for row in ROWS)
        sys.exit(f"No row has {' or '.join(arguments.only)} in it; there are {tasks}.")
    peers = list(dict.fromkeys([*arguments.peers, OURS]))
    try:
        results, failures = measure(rows, peers, arguments.quick, _print_result)
    except MissingPeer as missing:
        sys.exit(str(missing))
    date = datetime.now(timezone.utc).date().isoformat()
    if arguments.quick or arguments.only or set(arguments.peers) != set(PEERS):
        print(table.markdown(results, date, failures, arguments.quick))
        return
    here = Path(__file__).parent
    (here / "results.md").write_text(table.markdown(results, date, failures), encoding="utf-8")
    plot.draw(results, here / "results.svg", date)
    print(f"Written: {here / 'results.md'}, {here / 'results.svg'}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure this package beside its peers."
    )
    parser.add_argument(
        "--quick", action="store_true", help="small tasks, one round; nothing is written"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="TEXT",
        help="rows whose task or title has it; nothing is written",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=PEERS,
        default=list(PEERS),
        help="which ones (default: all)",
    )
    return parser.parse_args()


def _is_selected(row: Row, texts: list[str] | None) -> bool:
    return not texts or any(text in f"{row.task} {row.title}" for text in texts)


def _print_result(result: Measurement) -> None:
    numbers = ", ".join(f"{peer} {table.number(result.median(peer))}" for peer in result.samples)
    print(f"{result.figure.title} [{result.figure.unit}]: {numbers}", flush=True)


if __name__ == "__main__":
    main()
