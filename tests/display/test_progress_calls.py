"""Calls display their progress where somebody asked for it, and nothing elsewhere."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import replicate_sync
from replicate_sync import PredictionFailed, ReplicateError
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


@pytest.mark.slow
def test_nothing_prints_unless_asked(
    client: LocalReplicate, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    client.run("me/steps")
    list(client.map("me/steps", [{}] * 3))
    client.run("black-forest-labs/flux-schnell", {"prompt": "x"})[0].save(tmp_path)
    client.files.create(bytes(6 * 2**20))
    assert capfd.readouterr() == ("", "")


@pytest.mark.scale  # as it takes three seconds; test_progress has it without a server
def test_a_run_displays_its_progress_while_it_runs(
    client: LocalReplicate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.run("me/steps", {"seconds": 2.4}, progress=True) == "done"
    printed = capsys.readouterr()
    assert "processing:  25%|" in printed.err
    assert "me/steps: succeeded: 100%|" in printed.err
    assert printed.out == ""


def test_a_progress_bar_ends_with_the_status(
    client: LocalReplicate, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PredictionFailed, match="no more paint"):
        client.run("me/steps", {"fail": True}, progress=True)
    assert "me/steps: failed" in capsys.readouterr().err.rstrip().rpartition("\r")[2]


def test_a_map_displays_how_many_are_done_and_failed(
    client: LocalReplicate, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = [{"fail": number in (1, 3)} for number in range(5)]
    results = list(client.map("me/steps", inputs, on_error="return", progress=True))
    are_errors = [isinstance(result, ReplicateError) for result in results]
    assert are_errors == [False, True, False, True, False]
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "is_displayed"),
    [pytest.param(4 * 2**20, False, marks=pytest.mark.scale), (6 * 2**20, True)],
)
def test_a_long_file_displays_its_bytes_up_and_down(
    client: LocalReplicate,
    size: int,
    is_displayed: bool,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(bytes(size))

    @client.server.model("me/back")
    def back(file: Path) -> Path:
        return file

    output = client.run("me/back", {"file": path}, progress=True)
    upload = capsys.readouterr().err
    assert ("long.bin: 100%|" in upload) == is_displayed
    assert output.save(tmp_path / "copy.bin", progress=True).stat().st_size == size
    download = capsys.readouterr().err
    assert ("bin: 100%|" in download) == is_displayed
    assert ("6.00M" in download) == is_displayed


@pytest.mark.slow
def test_without_tqdm_a_call_raises_before_anything_is_sent() -> None:
    program = (
        "import sys; sys.modules['tqdm'] = None\n"
        "from replicate_sync import Replicate\n"
        "client = Replicate('x', base_url='http://127.0.0.1:9')\n"
        "for call in (client.run, lambda model, **options: client.map(model, [], **options)):\n"
        "    try: call('a/b', progress=True)\n"
        "    except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    message = "Progress bars need tqdm: pip install tqdm\n"
    assert done.stdout == message * 2
