"""What people see in a notebook: a real kernel, with its loop running, against a local server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from replicate_sync import FileOutput
from replicate_sync.display import notebook as display_notebook
from replicate_sync.server import LocalServer, log

pytestmark = pytest.mark.slow  # a kernel takes seconds to start

FIRST_CELL = """
import replicate_sync
from replicate_sync import *
client = Replicate()

class Downloader:
    def download(self, url, **options):
        yield b'abc'
"""
BAR = "{:3d}%|{:10}| {}/20 [00:00<00:00, 10.00it/s]\n"


@dataclass
class Cell:
    """What one executed cell displayed."""

    stdout: str = ""
    stderr: str = ""
    #: The data of each output by its display id; an update takes the place of what was there.
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    publish_count: int = 0
    value: dict[str, str] | None = None
    error: list[str] | None = None

    def add(self, message: Any) -> None:
        """Add what one message of the kernel displays."""
        kind = message["msg_type"]
        content = message["content"]
        if kind == "stream":
            text = getattr(self, content["name"])
            setattr(self, content["name"], text + content["text"])
        elif kind in ("display_data", "update_display_data"):
            display_id = content["transient"]["display_id"]
            assert (kind == "update_display_data") == (display_id in self.outputs)
            self.outputs[display_id] = content["data"]
            self.publish_count += 1
        elif kind == "execute_result":
            self.value = content["data"]
        elif kind == "error":
            self.error = content["traceback"]


class Notebook:
    """A kernel that runs cells.

    Args:
        environment: The variables of its environment.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        # Late, as is IPython below: both are large, and only tests that are slow use them.
        from jupyter_client.manager import KernelManager

        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = launcher  # type: ignore[attr-defined]
        self.manager.start_kernel(env=environment)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, meanwhile: Callable[[], None] | None = None) -> Cell:
        """Return what a cell displays; something else may happen while it runs."""
        cell = Cell()
        thread = threading.Thread(target=meanwhile or (lambda: None))
        thread.start()
        self.client.execute_interactive(code, output_hook=cell.add, timeout=60)
        thread.join()
        return cell

    def value_of(self, code: str) -> dict[str, str]:
        """Return how the last value of a cell is displayed."""
        cell = self.run(code)
        assert cell.error is None
        assert cell.value is not None
        return cell.value

    def stop(self) -> None:
        """Press the stop button."""
        self.manager.provisioner.process.send_signal(2)  # type: ignore[union-attr]

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(token="r8_secret_of_the_notebook", inline_files=False) as server:

        @server.model("me/steps")
        def steps() -> str:
            for step in (9, 20):
                log(BAR.format(5 * step, "#" * (step // 2), step))
            return "done"

        @server.model("me/says")
        def says(pieces: list[str]) -> Iterator[str]:
            yield from pieces

        yield server


@pytest.fixture(scope="module")
def notebook(server: LocalServer) -> Iterator[Notebook]:
    environment = {
        **os.environ,
        "REPLICATE_BASE_URL": server.url,
        "REPLICATE_API_TOKEN": server.token,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    notebook = Notebook(environment)
    assert notebook.run(FIRST_CELL).error is None
    yield notebook
    notebook.close()


def next_prediction(server: LocalServer, model: str) -> Callable[[], str]:
    """Return a function that waits for the next prediction of a model, and returns its id."""
    earlier = {job.id for job in server.jobs.all()}

    def wait() -> str:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for job in server.jobs.all():
                is_new = job.id not in earlier and job.model.name == model
                if is_new and job.status == "processing":
                    return str(job.id)
            time.sleep(0.02)
        raise AssertionError("no prediction was started")

    return wait


def test_a_chat_is_a_plain_loop_in_a_cell_whose_loop_runs(notebook: Notebook) -> None:
    cell = notebook.run(
        "import asyncio; assert asyncio.get_event_loop().is_running()\n"
        "for text in client.chat('Hello', max_tokens=20): print(text, end='')"
    )
    assert cell.error is None
    assert len(cell.stdout.split()) > 5
    assert cell.stderr == ""


def test_a_picture_is_displayed_and_downloaded_once(
    notebook: Notebook, server: LocalServer
) -> None:
    value = notebook.value_of(
        "inputs = {'prompt': 'x', 'output_format': 'png'}\n"
        "image = client.run('black-forest-labs/flux-schnell', inputs)[0]; image"
    )
    assert value["image/png"].startswith("iVBOR")
    assert "text/html" not in value
    assert "FileOutput('http" in value["text/plain"]
    assert notebook.value_of("image.read()[:4]; image") == value
    path = notebook.value_of("image.url")["text/plain"].strip("'").removeprefix(server.origin)
    assert [request.method for request in server.requests if request.path == path] == ["GET"]


def test_a_webp_picture_is_html_as_not_every_notebook_knows_it(notebook: Notebook) -> None:
    html = notebook.value_of("client.run('flux-schnell', {'prompt': 'x'})[0]")["text/html"]
    assert re.match(r'<img src="data:image/webp;base64,\w+[^"]*" alt="out-0.webp"', html)


@pytest.mark.parametrize(
    "expression",
    ["{}", "list({})", "{}[:]", "tuple({})", "[{}, None, PredictionFailed('no <paint>')]"],
)
def test_a_list_of_pictures_is_a_gallery(notebook: Notebook, expression: str) -> None:
    run = "client.run('flux-schnell', {'prompt': 'x', 'num_outputs': 2})"
    html = notebook.value_of(expression.format(run))["text/html"]
    assert html.count('<img src="data:image/webp') == 2
    assert "flex-wrap:wrap" in html
    assert ("no &lt;paint&gt;" in html) == ("paint" in expression)


def test_other_lists_are_left_as_they_are(notebook: Notebook) -> None:
    own = "class Own(list):\n    def _repr_html_(self): return 'own'\n"
    assert notebook.value_of("[1, [2], 'x']") == {"text/plain": "[1, [2], 'x']"}
    assert notebook.value_of("[]") == {"text/plain": "[]"}
    assert notebook.value_of(own + "Own([1])") == {"text/plain": "[1]", "text/html": "own"}
    assert notebook.value_of("x = []; x.append(x); x") == {"text/plain": "[[...]]"}


@pytest.mark.parametrize(
    ("name", "tag"),
    [("a.mp3", "<audio controls"), ("a.mp4", "<video controls"), ("a.zip", "<a href")],
)
def test_sound_and_video_play_and_other_files_are_links(
    notebook: Notebook, name: str, tag: str
) -> None:
    url = f"https://replicate.delivery/x/{name}"
    html = notebook.value_of(f"FileOutput('{url}', Downloader())")["text/html"]
    assert html.startswith(tag)
    assert ("base64,YWJj" in html) == (name != "a.zip")


def test_a_file_that_is_gone_is_a_sentence_and_no_traceback(notebook: Notebook) -> None:
    cell = notebook.run(
        "image = client.run('flux-schnell', {'prompt': 'x'})[0]\n"
        "image.url = image.url.replace('out-0', 'gone')\n"
        "image"
    )
    assert cell.error is None
    assert cell.stderr == ""
    assert cell.value is not None
    assert "gone.webp cannot be shown. " in cell.value["text/html"]
    assert "kept for one hour" in cell.value["text/html"]


def test_a_retry_prints_nothing_where_nobody_has_asked_for_logs(notebook: Notebook) -> None:
    cell = notebook.run(
        "gone = Replicate('r8_x', base_url='http://127.0.0.1:9', retries=Retries(2, first=0))\n"
        "gone.predictions.get('p1')"
    )
    assert cell.error is not None
    assert "ConnectionFailed: 127.0.0.1:9 refused the connection" in cell.error[0]
    assert cell.stderr == cell.stdout == ""


def test_a_predictions_pictures_are_kept_in_the_notebook(notebook: Notebook) -> None:
    value = notebook.value_of(
        "given = {'prompt': 'x', 'num_outputs': 2}\n"
        "client.predictions.create('black-forest-labs/flux-schnell', given).wait()"
    )
    assert value["text/html"].count('<img src="data:image/webp') == 2


def test_show_displays_pictures_predictions_and_none(notebook: Notebook) -> None:
    cell = notebook.run(
        "given = {'prompt': 'x', 'num_outputs': 2}\n"
        "prediction = client.predictions.create('black-forest-labs/flux-schnell', given).wait()\n"
        "for value in (prediction, prediction.result(), prediction.result()[0], None): show(value)"
    )
    assert cell.error is None
    pages = [output.get("text/html", "") for output in cell.outputs.values()]
    assert [page.count('<img src="data:image/webp') for page in pages] == [2, 2, 1, 0]
    assert cell.stdout == ""


def test_a_prediction_displays_its_outcome(notebook: Notebook) -> None:
    value = notebook.value_of("client.predictions.create('me/steps').wait()")
    for text in (value["text/html"], value["text/plain"]):
        assert "me/steps" in text
        assert re.search(r"succeeded, \d+\.\d s", text)
        assert "done" in text
        assert "20/20" in text
        assert re.search(r"http://127.0.0.1:\d+/p/\w+", text)
    assert '<a href="http' in value["text/html"]


def test_what_a_model_wrote_is_text_in_html(notebook: Notebook) -> None:
    script = "{'pieces': ['<script>alert(1)</script>']}"
    html = notebook.value_of(f"client.predictions.create('me/says', {script}).wait()")["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_inputs_are_a_table(notebook: Notebook) -> None:
    value = notebook.value_of("client.models.get('black-forest-labs/flux-schnell').inputs")
    assert value["text/html"].startswith("<table>")
    assert "num_outputs" in value["text/html"]
    assert "num_outputs" in value["text/plain"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "client.run('local/always-fails')",
            "PredictionFailed: Prediction .* failed: This model fails on purpose",
        ),
        ("x = 1\nclient.run('no such model')", "ModelNotFoundError: "),
        ("Replicate('').run('a/b')", r"MissingAuthError: No API token\. Set .* made at https://"),
        ("Replicate('r8_wrong').account.get()", "AuthenticationError: "),
        (
            "client.run('replicate/hello-world', {'txt': 'x'}, validate=True)",
            "InvalidInputError: .* did you mean 'text'",
        ),
    ],
)
def test_an_error_is_what_happened_and_what_to_do_without_our_frames(
    notebook: Notebook, server: LocalServer, code: str, message: str
) -> None:
    cell = notebook.run(code)
    assert cell.error is not None
    [text] = cell.error
    assert re.match(message, text), text
    assert text.endswith(f"(line {1 + code.count(chr(10))} of the cell)")
    assert "replicate_sync/prediction/" not in text
    assert "Traceback" not in text or "always-fails" in code
    assert server.token not in repr(cell)
    assert "r8_wrong" not in repr(cell)


def test_show_renders_markdown_as_it_arrives_and_returns_the_text_once(notebook: Notebook) -> None:
    cell = notebook.run(
        "text = show(client.chat('Hello', max_tokens=60))\n"
        "show(client.chat('Hello', max_tokens=20))"
    )
    assert cell.value is None
    assert cell.stdout == ""
    assert len(cell.outputs) == 2
    assert cell.publish_count > 3
    first = next(iter(cell.outputs.values()))
    printed = notebook.run("print(text, end='')").stdout
    assert printed == first["text/markdown"] == first["text/plain"]
    assert notebook.value_of("text == str(text) and isinstance(text, str)") == {
        "text/plain": "True"
    }


def test_html_that_a_model_writes_is_not_run(notebook: Notebook) -> None:
    pieces = "{'pieces': ['*a* <img src=x ', 'onerror=alert(1)>']}"
    cell = notebook.run(f"show(client.stream('me/says', {pieces}))")
    [output] = cell.outputs.values()
    assert output["text/markdown"] == "*a* &lt;img src=x onerror=alert(1)>"
    assert output["text/plain"] == "*a* <img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "code",
    [
        "client.run('local/slow')",
        "for text in client.stream('local/slow'): pass",
        "show(client.stream('local/slow'))",
        "client.run('local/slow', progress=True)",
        "client.predictions.create('local/slow').wait()",
    ],
)
def test_the_stop_button_cancels_and_leaves_one_line(
    notebook: Notebook, server: LocalServer, code: str
) -> None:
    wait_for_prediction = next_prediction(server, "local/slow")
    ids = []

    def stop() -> None:
        ids.append(wait_for_prediction())
        time.sleep(0.2)  # it may be anywhere by then
        notebook.stop()

    cell = notebook.run(code, meanwhile=stop)
    assert cell.error == [f"Stopped. Prediction {ids[0]} was canceled."]
    assert server.jobs.get(ids[0]).status == "canceled"
    assert notebook.value_of("1 + 1") == {"text/plain": "2"}


def test_the_stop_button_cancels_a_map(notebook: Notebook, server: LocalServer) -> None:
    wait_for_prediction = next_prediction(server, "local/slow")

    def stop() -> None:
        wait_for_prediction()
        time.sleep(0.3)
        notebook.stop()

    cell = notebook.run("list(client.map('local/slow', [{}] * 3))", meanwhile=stop)
    assert cell.error == ["Stopped. 3 predictions in flight were canceled."]
    assert [job.status for job in server.jobs.all()[:3]] == ["canceled"] * 3


def test_a_progress_bar_is_plain_text_that_stays(notebook: Notebook) -> None:
    cell = notebook.run("result = client.run('me/steps', progress=True)")
    assert cell.stderr == ""
    [output] = cell.outputs.values()
    assert list(output) == ["text/plain"]
    assert "me/steps: succeeded: 100%" in output["text/plain"]


def test_a_progress_bar_needs_no_widgets_and_prints_no_warning(notebook: Notebook) -> None:
    cell = notebook.run(
        "results = list(client.map('me/steps', [{}] * 3, progress=True))\n"
        "import sys; 'ipywidgets' in sys.modules"
    )
    assert cell.stderr == ""
    assert cell.value == {"text/plain": "False"}
    [output] = cell.outputs.values()
    assert "3/3" in output["text/plain"]


class NoDownloader:
    """A downloader of a file that must not be downloaded."""

    def fetch(self, url: str) -> bytes:
        raise AssertionError(url)

    def download(self, url: str, **options: object) -> Iterator[bytes]:
        raise AssertionError(url)


def test_a_terminals_ipython_downloads_no_picture_to_display_it() -> None:
    from IPython.terminal.interactiveshell import TerminalInteractiveShell

    shell = TerminalInteractiveShell.instance()
    try:
        assert display_notebook.is_text_only()
        assert display_notebook.current_kernel() is None
        file = FileOutput("https://x.example/a.png", NoDownloader())
        data, _ = shell.display_formatter.format(file)  # type: ignore[union-attr]
    finally:
        TerminalInteractiveShell.clear_instance()
    assert data == {"text/plain": "FileOutput('https://x.example/a.png')"}


def test_displaying_imports_neither_ipython_nor_pillow() -> None:
    program = (
        "import sys\n"
        "from replicate_sync import FileOutput, PredictionFailed, show\n"
        "class Downloader:\n"
        "    def download(self, url, **options): yield b'abc'\n"
        "file = FileOutput('https://x.example/a.png', Downloader())\n"
        "assert file._repr_mimebundle_()['image/png'] == 'YWJj'\n"
        "assert PredictionFailed('no')._render_traceback_() == ['PredictionFailed: no']\n"
        "assert show(['a', 'b']) == 'ab'\n"
        "assert not {'IPython', 'PIL', 'tqdm'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ab\n", "")
