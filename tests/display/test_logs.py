"""Progress is that of the model's own progress bar, and logs end as on a terminal."""

from __future__ import annotations

import pytest

from replicate_sync.display.logs import Progress, last_lines

BAR = "|██▊       | 14/50 [00:04<00:11,  3.14it/s]"


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ("", None),
        ("no bar here\n50% of it\n", None),
        ("50%|half a bar\n", None),
        (f"Using seed: 5\n 28%{BAR}\n", Progress(28, 14, 50)),
        (f"  0%|          | 0/50\r 28%{BAR}\r", Progress(28, 14, 50)),
        (f"\r  0%|   | 0/50 \r 28%{BAR}\nsaving\n", Progress(28, 14, 50)),
        ("Denoising: 100%|██████████| 30/30 [00:02<00:00]\n", Progress(100, 30, 30)),
        ("100%|##| 4/4\r\nDecoding: step 2:  50%|# | 1/2", Progress(50, 1, 2)),
    ],
)
def test_progress_is_the_last_bar_in_the_logs(logs: str, expected: Progress | None) -> None:
    assert Progress.parse(logs) == expected


def test_progress_names_its_numbers() -> None:
    progress = Progress.parse(f" 28%{BAR}")
    assert progress is not None
    assert (progress.percentage, progress.current, progress.total) == (28, 14, 50)


@pytest.mark.parametrize(
    ("logs", "count", "expected"),
    [
        ("", 3, ""),
        ("a\nb\nc\n\n", 2, "b\nc"),
        ("a\nb", 5, "a\nb"),
        ("first\n  0%\r 50%\r100%\nlast", 2, "100%\nlast"),
        ("first\r\nlast\r\n", 1, "last"),
        ("\n\n  indented", 3, "  indented"),
        ("X of it\ndone  \rdone X  \r", 2, "X of it\ndone X  "),
    ],
)
def test_the_last_lines_are_those_that_a_terminal_would_show(
    logs: str, count: int, expected: str
) -> None:
    assert last_lines(logs, count) == expected
