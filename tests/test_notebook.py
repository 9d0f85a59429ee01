"""What a person sees in a notebook: a real kernel, with its loop running, against a local server."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

import replicate_sync
from replicate_sync.server import LocalServer, log

FIRST = "import replicate_sync\nfrom replicate_sync import *\nclient = Replicate()\n"
BAR = "{:3d}%|{:10}| {}/20 [00:00<00:00, 10.00it/s]\n"


@dataclass
class Cell:
    """What one executed cell put out: its printed text, what it showed (shown anew in its place), its last value, its error."""

    stdout: str = ""
    stderr: str = ""
    shown: dict[str, dict[str, str]] = field(default_factory=dict)
    times_shown: int = 0
    value: dict[str, str] | None = None
    error: list[str] | None = None

    def take(self, message: Any) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
        elif kind in ("display_data", "update_display_data"):
            self.times_shown += 1
            assert (kind == "update_display_data") == (content["transient"]["display_id"] in self.shown)
            self.shown[content["transient"]["display_id"]] = content["data"]
        elif kind == "execute_result":
            self.value = content["data"]
        elif kind == "error":
            self.error = content["traceback"]

    def everything(self) -> str:
        return repr(self)


class Notebook:
    """A kernel that runs cells; `stop` is the button."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]  # type: ignore[attr-defined]
        self.manager.start_kernel(env=environment)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, meanwhile: Callable[[], None] | None = None) -> Cell:
        cell = Cell()
        thread = threading.Thread(target=meanwhile) if meanwhile else None
        if thread:
            thread.start()
        self.client.execute_interactive(code, output_hook=cell.take, timeout=60)
        if thread:
            thread.join()
        return cell

    def stop(self) -> None:
        self.manager.provisioner.process.send_signal(2)  # type: ignore[union-attr]

    def close(self) -> None:
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
    import os

    environment = {
        **os.environ,
        "REPLICATE_BASE_URL": server.url,
        "REPLICATE_API_TOKEN": server.token,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    notebook = Notebook(environment)
    assert notebook.run(FIRST).error is None
    yield notebook
    notebook.close()


def started(server: LocalServer, model: str) -> Callable[[], str]:
    """Give the id of the next prediction of a model, once it is at work."""
    known = {job.id for job in server.jobs.all()}

    def wait() -> str:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for job in server.jobs.all():
                if job.id not in known and job.model.name == model and job.status == "processing":
                    return str(job.id)
            time.sleep(0.02)
        raise AssertionError("nothing was started")

    return wait


def test_a_chat_is_a_plain_loop_in_a_cell_whose_loop_runs(notebook: Notebook) -> None:
    cell = notebook.run(
        "import asyncio; assert asyncio.get_event_loop().is_running()\n"
        "for text in client.chat('Hello', max_tokens=20): print(text, end='')"
    )
    assert cell.error is None
    assert len(cell.stdout.split()) > 5
    assert cell.stderr == ""


def test_a_picture_is_shown_and_fetched_once(notebook: Notebook, server: LocalServer) -> None:
    cell = notebook.run(
        "image = client.run('black-forest-labs/flux-schnell', {'prompt': 'x', 'output_format': 'png'})[0]; image"
    )
    assert cell.value is not None
    assert cell.value["image/png"].startswith("iVBOR")
    assert "text/html" not in cell.value
    assert "FileOutput('http" in cell.value["text/plain"]
    kept = notebook.run(
        "first = image.read(); image._download = None; image.read() is first, image._repr_mimebundle_()['image/png'][:5]"
    )
    assert kept.value == {"text/plain": "(True, 'iVBOR')"}


def test_a_webp_picture_is_shown_where_it_would_not_be_known(notebook: Notebook) -> None:
    value = notebook.run("client.run('flux-schnell', {'prompt': 'x'})[0]").value
    assert value is not None
    assert re.match(r'<img src="data:image/webp;base64,\w+[^"]*" alt="out-0.webp"', value["text/html"])


@pytest.mark.parametrize(
    "expression", ["{}", "list({})", "{}[:]", "tuple({})", "[{}, None, PredictionFailed('no <paint>')]"]
)
def test_a_list_of_pictures_is_a_grid(notebook: Notebook, expression: str) -> None:
    run = "client.run('flux-schnell', {'prompt': 'x', 'num_outputs': 2})"
    value = notebook.run(expression.format(run)).value
    assert value is not None
    assert value["text/html"].count('<img src="data:image/webp') == 2
    assert "flex-wrap:wrap" in value["text/html"]
    assert ("no &lt;paint&gt;" in value["text/html"]) == ("paint" in expression)


def test_other_lists_are_left_alone(notebook: Notebook) -> None:
    code = "class Own(list):\n    def _repr_html_(self): return 'own'\n"
    assert notebook.run("[1, [2], 'x']").value == {"text/plain": "[1, [2], 'x']"}
    assert notebook.run("[]").value == {"text/plain": "[]"}
    assert notebook.run(code + "Own([1])").value == {"text/plain": "[1]", "text/html": "own"}


@pytest.mark.parametrize(("name", "tag"), [("a.mp3", "<audio controls"), ("a.mp4", "<video controls"), ("a.zip", "<a href")])
def test_sound_and_video_play_and_other_files_are_links(notebook: Notebook, name: str, tag: str) -> None:
    cell = notebook.run(f"FileOutput('https://replicate.delivery/x/{name}', lambda url: iter([b'abc']))")
    assert cell.value is not None
    html = cell.value["text/html"]
    assert html.startswith(tag)
    assert ("base64,YWJj" in html) == (name != "a.zip")


def test_a_file_that_is_gone_is_a_sentence_and_no_traceback(notebook: Notebook, server: LocalServer) -> None:
    cell = notebook.run(f"FileOutput('{server.origin}/outputs/none/gone.png', client._transport.download)")
    assert cell.error is None
    assert cell.stderr == ""
    assert cell.value is not None
    assert "gone.png cannot be shown. " in cell.value["text/html"]
    assert "kept for one hour" in cell.value["text/html"]


def test_a_prediction_shows_how_it_stands(notebook: Notebook) -> None:
    value = notebook.run("client.predictions.create('me/steps').wait()").value
    assert value is not None
    html, plain = value["text/html"], value["text/plain"]
    for shown in (html, plain):
        assert "me/steps" in shown
        assert re.search(r"succeeded, \d+\.\d s", shown)
        assert "done" in shown
        assert "20/20" in shown
        assert re.search(r"http://127.0.0.1:\d+/p/\w+", shown)
    assert '<a href="http' in html


def test_a_prediction_of_pictures_shows_them_without_fetching(notebook: Notebook) -> None:
    made = "client.predictions.create('flux-schnell', {'prompt': 'x'}, wait=True)"
    value = notebook.run(f"client.predictions.get({made}.id)").value
    assert value is not None
    assert re.search(r'<img src="http://127.0.0.1:\d+/', value["text/html"])


def test_what_a_model_wrote_is_text_in_html(notebook: Notebook) -> None:
    code = "client.predictions.create('me/says', {'pieces': ['<script>alert(1)</script>']}).wait()"
    value = notebook.run(code).value
    assert value is not None
    assert "<script>" not in value["text/html"]
    assert "&lt;script&gt;" in value["text/html"]


def test_inputs_are_a_table(notebook: Notebook) -> None:
    value = notebook.run("client.models.get('black-forest-labs/flux-schnell').inputs").value
    assert value is not None
    assert value["text/html"].startswith("<table>")
    assert "num_outputs" in value["text/html"]
    assert "num_outputs" in value["text/plain"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("client.run('local/always-fails')", "PredictionFailed: Prediction .* failed: This model fails on purpose"),
        ("x = 1\nclient.run('no such model')", "ModelNotFoundError: "),
        ("Replicate('').run('a/b')", "MissingAuthError: No API token: set .* Tokens are made at https://"),
        ("Replicate('r8_wrong').account.get()", "AuthenticationError: "),
        ("client.run('replicate/hello-world', {'txt': 'x'}, validate=True)", "InvalidInputError: .* did you mean 'text'"),
    ],
)
def test_an_error_is_what_happened_and_the_way_out_without_our_frames(
    notebook: Notebook, server: LocalServer, code: str, says: str
) -> None:
    cell = notebook.run(code)
    assert cell.error is not None
    [text] = cell.error
    assert re.match(says, text), text
    assert text.endswith(f"(line {1 + code.count(chr(10))} of the cell)")
    assert "replicate_sync/predictions" not in text
    assert "Traceback" not in text or "always-fails" in code
    assert server.token not in cell.everything()
    assert "r8_wrong" not in cell.everything()


def test_show_renders_markdown_as_it_arrives_and_gives_the_text_once(notebook: Notebook) -> None:
    cell = notebook.run("text = show(client.chat('Hello', max_tokens=60)); show(client.chat('Hello', max_tokens=20))")
    assert cell.value is None
    assert cell.stdout == ""
    assert len(cell.shown) == 2
    assert cell.times_shown > 3
    first = next(iter(cell.shown.values()))
    assert notebook.run("print(text, end='')").stdout == first["text/markdown"] == first["text/plain"]
    assert notebook.run("text == str(text) and isinstance(text, str)").value == {"text/plain": "True"}


def test_elsewhere_show_prints_and_ends_the_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    for pieces in (["a", "b"], ["a", "b\n"]):
        assert replicate_sync.show(pieces) == "".join(pieces)
        assert capsys.readouterr().out == "ab\n"
    assert replicate_sync.show([]) == ""
    assert capsys.readouterr().out == ""


def test_html_that_a_model_writes_is_not_run(notebook: Notebook) -> None:
    cell = notebook.run("show(client.stream('me/says', {'pieces': ['*a* <img src=x ', 'onerror=alert(1)>']}))")
    [shown] = cell.shown.values()
    assert shown["text/markdown"] == "*a* &lt;img src=x onerror=alert(1)>"
    assert shown["text/plain"] == "*a* <img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    ("code", "model"),
    [
        ("client.run('local/slow')", "local/slow"),
        ("for text in client.stream('local/slow'): pass", "local/slow"),
        ("show(client.stream('local/slow'))", "local/slow"),
        ("client.run('local/slow', progress=True)", "local/slow"),
        ("client.predictions.create('local/slow').wait()", "local/slow"),
    ],
)
def test_the_stop_button_cancels_and_leaves_one_line(notebook: Notebook, server: LocalServer, code: str, model: str) -> None:
    running, seen = started(server, model), []

    def stop() -> None:
        seen.append(running())
        time.sleep(0.2)  # it may be at any place by then
        notebook.stop()

    cell = notebook.run(code, meanwhile=stop)
    assert cell.error == [f"Stopped. Prediction {seen[0]} was canceled."]
    assert server.jobs.get(seen[0]).status == "canceled"
    assert notebook.run("1 + 1").value == {"text/plain": "2"}


def test_the_stop_button_cancels_a_map(notebook: Notebook, server: LocalServer) -> None:
    running = started(server, "local/slow")

    def stop() -> None:
        running()
        time.sleep(0.3)
        notebook.stop()

    cell = notebook.run("list(client.map('local/slow', [{}] * 3))", meanwhile=stop)
    assert cell.error == ["Stopped. 3 predictions in flight will be canceled."]
    assert [job.status for job in server.jobs.all()[:3]] == ["canceled"] * 3


def test_a_bar_is_plain_text_that_stays(notebook: Notebook) -> None:
    cell = notebook.run("result = client.run('me/steps', progress=True)")
    assert cell.stderr == ""
    [shown] = cell.shown.values()
    assert list(shown) == ["text/plain"]
    assert "me/steps: succeeded: 100%" in shown["text/plain"]


def test_a_bar_needs_no_widgets_and_brings_no_warning(notebook: Notebook) -> None:
    cell = notebook.run("import sys; list(client.map('me/steps', [{}] * 3, progress=True)); 'ipywidgets' in sys.modules")
    assert cell.stderr == ""
    assert cell.value == {"text/plain": "False"}
    [shown] = cell.shown.values()
    assert "3/3" in shown["text/plain"]


def test_a_terminals_ipython_fetches_no_picture_to_show_it() -> None:
    from IPython.terminal.interactiveshell import TerminalInteractiveShell

    from replicate_sync import FileOutput, notebook

    shell = TerminalInteractiveShell.instance()
    try:
        assert notebook.shows_text_only()
        assert not notebook.kernel()
        data, _ = shell.display_formatter.format(FileOutput("https://x.example/a.png", lambda url: 1 / 0))  # type: ignore[arg-type,return-value]
    finally:
        TerminalInteractiveShell.clear_instance()
    assert data == {"text/plain": "FileOutput('https://x.example/a.png')"}


def test_display_hooks_import_neither_ipython_nor_pillow() -> None:
    import subprocess

    program = (
        "import sys\nfrom replicate_sync import FileOutput, PredictionFailed, show\n"
        "one = FileOutput('https://x.example/a.png', lambda url: iter([b'abc']))\n"
        "assert one._repr_mimebundle_()['image/png'] == 'YWJj'\n"
        "assert PredictionFailed('no')._render_traceback_() == ['PredictionFailed: no']\n"
        "assert show(['a', 'b']) == 'ab'\n"
        "assert not {'IPython', 'PIL', 'tqdm'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ab\n", "")
