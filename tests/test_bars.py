"""Progress is shown where somebody asked for it, and says what is true."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

import replicate_sync
from replicate_sync import PredictionFailed, ReplicateError, bars
from replicate_sync.logs import Progress
from replicate_sync.offline import LocalReplicate

BAR = "{:3d}%|{:10}| {}/20 [00:00<00:00, 10.00it/s]\n"


@pytest.fixture(scope="module")
def client() -> Iterator[LocalReplicate]:
    with replicate_sync.local() as client:

        @client.server.model("me/steps")
        def steps(seconds: float = 0.0, fail: bool = False) -> str:
            log = replicate_sync.server.log
            for step in (5, 20):
                log(BAR.format(5 * step, "#" * (step // 2), step))
                time.sleep(seconds / 2)
            if fail:
                raise RuntimeError("no more paint")
            return "done"

        yield client


class Worked:
    """A prediction that goes through these states, one at each look."""

    def __init__(self, *states: tuple[str, int | None]) -> None:
        self._states = list(states)
        self.status, self.progress = "starting", None

    def looks(self) -> Generator[Worked, None, None]:
        for status, step in self._states:
            self.status = status
            self.progress = None if step is None else Progress(5 * step, step, 20)  # type: ignore[assignment]
            yield self


def test_a_watched_prediction_shows_its_status_and_then_its_own_percentage(capsys: pytest.CaptureFixture[str]) -> None:
    one = Worked(("starting", None), ("processing", None), ("processing", 9), ("succeeded", 20))
    assert len(list(bars.watched(one.looks(), one, "me/steps"))) == 4
    shown = capsys.readouterr().err.replace("\n", "\r").split("\r")
    texts = [line for line in shown if line.strip()]
    assert texts[0].startswith("me/steps: starting [00:00]")
    assert any(line.startswith("me/steps: processing [") for line in texts)
    assert any("processing:  45%|" in line and "9/20" in line for line in texts)
    assert "succeeded: 100%|" in texts[-1]


def test_nothing_prints_unless_asked(client: LocalReplicate, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    client.run("me/steps")
    list(client.map("me/steps", [{}] * 3))
    client.run("black-forest-labs/flux-schnell", {"prompt": "x"})[0].save(tmp_path)
    client.files.create(bytes(6 * 2**20))
    assert capfd.readouterr() == ("", "")


def test_a_run_is_watched_while_it_runs(client: LocalReplicate, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.run("me/steps", {"seconds": 2.4}, progress=True) == "done"
    shown = capsys.readouterr()
    assert "processing:  25%|" in shown.err
    assert "me/steps: succeeded: 100%|" in shown.err
    assert shown.out == ""


def test_a_bar_ends_with_how_it_ended(client: LocalReplicate, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PredictionFailed, match="no more paint"):
        client.run("me/steps", {"fail": True}, progress=True)
    assert "me/steps: failed" in capsys.readouterr().err.rstrip().rpartition("\r")[2]


def test_a_map_shows_how_many_are_done_and_failed(client: LocalReplicate, capsys: pytest.CaptureFixture[str]) -> None:
    given = [{"fail": n in (1, 3)} for n in range(5)]
    found = list(client.map("me/steps", given, on_error="return", progress=True))
    assert [isinstance(one, ReplicateError) for one in found] == [False, True, False, True, False]
    last = capsys.readouterr().err.rstrip().rpartition("\r")[2]
    assert last.startswith("me/steps: 100%|")
    assert "5/5" in last
    assert "2 failed" in last
    assert "run/s" in last


def test_inputs_without_a_length_are_counted_all_the_same(
    client: LocalReplicate, capsys: pytest.CaptureFixture[str]
) -> None:
    list(client.map("me/steps", iter([{}] * 3), progress=True))
    assert "3run [" in capsys.readouterr().err.rstrip().rpartition("\r")[2]


@pytest.mark.parametrize(("size", "shown"), [(4 * 2**20, False), (6 * 2**20, True)])
def test_a_long_file_shows_its_bytes_up_and_down(
    client: LocalReplicate, size: int, shown: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(bytes(size))

    @client.server.model("me/back")
    def back(file: Path) -> Path:
        return file

    output = client.run("me/back", {"file": path}, progress=True)
    up = capsys.readouterr().err
    assert ("long.bin: 100%|" in up) == shown
    assert output.save(tmp_path / "copy.bin", progress=True).stat().st_size == size
    down = capsys.readouterr().err
    assert ("bin: 100%|" in down) == shown
    assert ("6.00M" in down) == shown


def test_a_bar_without_tqdm_is_one_sentence_before_anything_is_sent() -> None:
    program = (
        "import sys; sys.modules['tqdm'] = None\n"
        "from replicate_sync import Replicate\n"
        "client = Replicate('x', base_url='http://127.0.0.1:9')\n"
        "for call in (client.run, lambda m, **o: client.map(m, [], **o)):\n"
        "    try: call('a/b', progress=True)\n"
        "    except ImportError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == 'Progress bars need tqdm: pip install "replicate-sync[progress]"\n' * 2
