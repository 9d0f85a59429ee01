"""What `replicate-sync journal` lists: done, running, requested, failed, expired, and damaged."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from cli_runner import invoke

from replicate_sync.batch.journal import Journal

KEY = Journal.key("a/b", b"{}")
FILE = "https://replicate.delivery/x/out-0.png"


def prediction(status: str, **fields: Any) -> dict[str, Any]:
    """Return an ended prediction as JSON."""
    return {"id": "p", "status": status, **fields}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a journal with a row in each state."""
    path = tmp_path / "journal.db"
    journal = Journal(path)
    now = time.time()
    for position in range(7):
        journal.record_request(position, KEY, now, {"digest": "x"})
        if position > 0:
            journal.record_created(position, f"p{position}")
    journal.record_ended(2, prediction("succeeded", output="a text"))
    journal.record_ended(3, prediction("failed", error="out of memory"))
    old = "2026-01-01T00:00:00.000Z"
    journal.record_ended(4, prediction("succeeded", output=[FILE], completed_at=old))
    saved = {"files": [{"at": [0], "path": "out/5-out-0.png"}]}
    journal.record_ended(5, prediction("succeeded", output=[FILE], completed_at=old), saved)
    journal.record_ended(6, prediction("expired"))
    journal.close()
    return path


STATES = ["requested", "running", "done", "failed", "expired", "done", "expired"]


def test_each_input_has_a_row_with_its_state(path: Path) -> None:
    result = invoke("journal", path)
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split()[:3] == ["input", "state", "prediction"]
    assert [row.split()[:2] for row in rows] == [[str(n), one] for n, one in enumerate(STATES)]
    assert "out of memory" in rows[3]
    assert "out/5-out-0.png" in rows[5]
    assert result.stderr == "2 done, 1 running, 1 requested, 1 failed, 2 expired.\n"


def test_a_program_gets_a_line_of_json_for_each(path: Path) -> None:
    result = invoke("journal", path, "--json")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["state"] for document in documents] == STATES
    assert documents[0]["prediction"] is None
    assert (documents[2]["output"], documents[3]["error"]) == ("a text", "out of memory")
    assert documents[5]["files"] == ["out/5-out-0.png"]
    assert result.stderr == ""


def test_a_damaged_row_is_named_and_the_others_are_listed(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("update runs set ended = '{\"id\": ' where position = 2")
    database.commit()
    database.close()
    result = invoke("journal", path)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == len(STATES)
    assert "Row 2 of the journal" in result.stderr
    assert "1 done, 1 running" in result.stderr
    errors = invoke("journal", path, "--json").stderr.splitlines()
    assert [json.loads(line)["error"]["type"] for line in errors] == ["JournalError"]


@pytest.mark.slow
def test_a_journal_that_is_in_use_is_one_sentence(path: Path) -> None:
    journal = Journal(path)
    result = invoke("journal", path)
    journal.close()
    assert result.exit_code == 2
    assert "is in use by another process" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_journal_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    result = invoke("journal", tmp_path / "none.db")
    assert result.exit_code == 1
    assert "none.db: No such file or directory." in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes " * 100)
    result = invoke("journal", tmp_path / "notes.txt")
    assert result.exit_code == 2
    assert "file is not a database" in result.stderr


def test_an_empty_journal_says_so(tmp_path: Path) -> None:
    Journal(tmp_path / "j.db").close()
    assert invoke("journal", tmp_path / "j.db").stderr == "Nothing is in it.\n"
