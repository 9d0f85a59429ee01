"""What `replicate-sync demo` shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import invoke


@pytest.mark.slow
def test_the_demo_chats_makes_a_picture_and_shows_a_failure(tmp_path: Path) -> None:
    result = invoke("demo", "-o", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    for words in ("streamed its text", "lighthouse.webp", "PredictionFailed: "):
        assert words in result.stdout
    assert (tmp_path / "out" / "lighthouse.webp").stat().st_size > 1000
