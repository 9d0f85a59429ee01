"""Each example does what it says, on the local server."""

from __future__ import annotations

import ast
import builtins
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replicate_sync import PredictionFailed, Replicate
from replicate_sync.server import LocalServer

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = ("tour", "pictures", "killed_batch", "answers")
CREATED = {"pictures": 4, "killed_batch": 12}  # however often the notebook is run
GEMMA = "google-deepmind/gemma-2b-it"
Run = Callable[..., str]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        # The stand-in writes as slowly as a model does.
        server.script(Replicate.default_model, tokens=["A", " river", "."])
        yield server


@pytest.fixture
def local(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_polling: None
) -> LocalServer:
    """Return the server that an example in a folder of its own talks to."""
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
    monkeypatch.chdir(tmp_path)
    return server


@pytest.fixture
def run(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs an example as a program, and returns what it prints."""

    def run(name: str, *arguments: str, lines: Iterable[str] = ()) -> str:
        typed = iter(lines)
        monkeypatch.setattr(builtins, "input", lambda prompt: print(prompt, end="") or next(typed))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        variables = runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        if isinstance(variables["client"], Replicate):  # and its server, where it has one
            variables["client"].close()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return printed.out

    return run


def test_chat_remembers_what_was_said(run: Run, local: LocalServer) -> None:
    printed = run("chat.py", lines=["What is a river?", "And a stream?", ""])
    assert printed.count("model: A river.") == 2
    newest = local.jobs.all()[0].input["prompt"]
    assert "What is a river?" in newest
    assert "And a stream?" in newest


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_chat_ends_at_ctrl_d_and_ctrl_c(run: Run, end: type[BaseException]) -> None:
    def typed() -> Iterator[str]:
        yield "What is a river?"
        raise end

    assert run("chat.py", lines=typed()).endswith("model: A river.\nyou: \n")


def test_chat_forgets_a_question_without_an_answer(run: Run, local: LocalServer) -> None:
    local.script(Replicate.default_model, tokens=[" "])
    run("chat.py", lines=["Silence?", "And now?", ""])
    assert "Silence" not in local.jobs.all()[0].input["prompt"]


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("batch.py", [], "Usage: python examples/batch.py PROMPTS.txt ANSWERS.jsonl"),
        ("batch.py", ["no.txt", "x"], "The prompts cannot be read: .*No such file"),
        ("batch.py", ["latin.txt", "x"], "The prompts cannot be read: .*codec"),
        ("train.py", ["a/b"], "Usage: python examples/train.py OWNER/TRAINER"),
    ],
)
def test_what_is_missing_or_broken_is_a_sentence(
    run: Run, name: str, arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "latin.txt").write_bytes(b"\xe4")
    with pytest.raises(SystemExit, match=sentence):
        run(name, *arguments)


@pytest.mark.slow
def test_image_saves_its_pictures(run: Run, tmp_path: Path) -> None:
    assert run("image.py", "a", "red", "cube") == "picture-1.png\npicture-2.png\n"
    for name in ("picture-1.png", "picture-2.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_stream_stops_where_there_is_enough(run: Run) -> None:
    text, _, status = run("stream.py").rpartition("\n-- ")
    assert status.startswith("canceled, ")
    assert 200 < len(text) < 300


@pytest.mark.slow
def test_batch_goes_on_where_it_was(run: Run, local: LocalServer, tmp_path: Path) -> None:
    prompts = ["One river", "Two rivers", "Three rivers"]
    local.script(GEMMA, tokens=["A river", " runs."])
    (tmp_path / "prompts.txt").write_text("\n".join(prompts), encoding="utf-8")
    for _ in range(2):
        printed = run("batch.py", "prompts.txt", "answers.jsonl")
        assert printed == "3 answered, 0 failed: answers.jsonl\n"
        written = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
        lines = [json.loads(line) for line in written]
        assert [line["prompt"] for line in lines] == prompts
        assert {line["answer"] for line in lines} == {"A river runs."}
    assert len(local.jobs.all()) == 3


@pytest.mark.scale
def test_train_makes_a_version_that_runs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "examples.zip").write_bytes(b"PK")
    printed = run("train.py", "local/trainer", "me/mine", "examples.zip")
    assert "20/20" in printed
    assert (tmp_path / "trained-1.png").stat().st_size > 500


def test_the_tests_of_your_code_pass(request: pytest.FixtureRequest) -> None:
    names = runpy.run_path(str(EXAMPLES / "test_your_code.py"))
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        server = request.getfixturevalue("replicate_server")
        server.faults.clear()
        test(server)


def code_of(path: Path) -> str:
    """Return the code of a notebook as a program."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells), "a notebook is kept without outputs"
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("tour", {"lighthouse.webp"}),
        ("pictures", {"pictures", "pictures.db"}),
        ("killed_batch", {"killed-batch"}),
        ("answers", set()),
    ],
)
def test_the_code_of_a_notebook_runs(
    name: str, saved: set[str], local: LocalServer, tmp_path: Path
) -> None:
    code = compile(code_of(EXAMPLES / f"{name}.ipynb"), name, "exec")
    exec(code, {"__name__": "__main__"})
    assert {path.name for path in tmp_path.iterdir()} == saved


@pytest.mark.slow
@pytest.mark.parametrize("is_online", [True, False])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_again_also_in_a_new_kernel(
    name: str, is_online: bool, local: LocalServer, tmp_path: Path
) -> None:
    variables = dict(os.environ)
    if not is_online:  # each kernel has a server of its own then
        del variables["REPLICATE_API_TOKEN"], variables["REPLICATE_BASE_URL"]
    code = code_of(EXAMPLES / f"{name}.ipynb")
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", f"{code}\n{code}"],
            cwd=tmp_path,
            env=variables,
            check=True,
            timeout=120,
        )
    if is_online and name in CREATED:
        assert len(local.jobs.all()) == CREATED[name]


@pytest.mark.scale
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_in_a_kernel_and_displays_its_pictures(
    name: str, local: LocalServer, tmp_path: Path
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    options: dict[str, Any] = {"timeout": 60, "kernel_name": "python3", "resources": resources}
    nbclient.NotebookClient(notebook, **options).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    shown = [output["data"] for output in outputs if "data" in output]
    pages = [data.get("text/html", "") for data in shown]
    in_pages = any(page.count('<img src="data:image/webp') >= 3 for page in pages)
    assert in_pages or any("image/png" in data for data in shown)


def test_each_example_is_short_and_is_tested_here() -> None:
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 60, path
        assert ast.get_docstring(ast.parse(text))
    tested = {"chat", "image", "stream", "batch", "train", "test_your_code", "spans", "fastapi_app"}
    tested |= {"webhook", *(name for name, *_ in PROGRAMS)}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested


def test_the_list_of_examples_is_complete() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\S+)\]\((\S+)\) \| .+ \|$", text, re.MULTILINE)
    assert all(name == target for name, target in listed)
    present = {path.name for path in EXAMPLES.glob("*.*") if path.suffix != ".md"}
    assert {name for name, _ in listed} == present


#: Programs, their arguments, and what they print: all of it, as a regular expression.
PROGRAMS = [
    ("hello", ["Alice"], "hello Alice"),
    ("question_about_a_picture", ["cat.png", "What is this?"], ".*1 picture: a PNG of .*"),
    ("answer_as_data", ["Two eggs."], r"[\d.]+ \w+ \w+"),
    ("conversation", ["talk.json", "Hello?"], ".*-- 1 questions so far: talk.json"),
    ("contact_sheet", ["spring", "autumn", "winter"], "3 pictures: sheet.png"),
    ("caption_folder", [".", "captions.csv"], "1 pictures: captions.csv"),
    ("budget", ["0.005"], r"pictures/out-0.webp\npictures/out-0-1.webp\nThe budget .*0\.0060.*"),
    ("later", [], ""),
    ("time_limit", ["60"], "A river."),
    ("chain", ["a red cube"], r"\S+0-out-0.webp\n.*1 picture: a WEBP.*"),
    ("compare_models", ["Why?"], r"(\S+ \([\d.]+ s, \w+ tokens\): [^\n]+\n?){3}"),
    ("model_as_function", [], ".*did you mean 'prompt'.*function-1.webp\nfunction-2.webp"),
    ("find_model", ["flux"], "black-forest-labs/flux-schnell: .*num_outputs.*"),
    ("deployment", [], "hello Alice"),
    ("log_events", [], "hello Alice"),
    ("official_names", [], "hello Alice\n.+\nsucceeded hello Bob"),
    ("upload_once", ["cat.png"], "cat.png: .*(What|Which|Where).*1 picture: a PNG.*"),
    ("pandas_column", ["names.csv", "name", "new.csv"], "2 rows, 0 failed: new.csv"),
    ("recent", ["5"], ""),
    ("transcribe", ["talk.mp3"], r"\d+ words: talk.txt"),
]
#: Those that take longer, as they write or draw much.
LONGER = {
    "caption_folder",
    "chain",
    "compare_models",
    "contact_sheet",
    "conversation",
    "pandas_column",
    "question_about_a_picture",
    "upload_once",
}


@pytest.fixture
def prepared(tmp_path: Path) -> None:
    """Put the files that examples are given into their folder."""
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (8, 8), "red").save(tmp_path / "cat.png")
    (tmp_path / "names.csv").write_text("name\nAlice\nBob\n", encoding="utf-8")
    (tmp_path / "talk.mp3").write_bytes(b"ID3" + bytes(400))


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        pytest.param(*program, id=program[0], marks=[pytest.mark.slow] * (program[0] in LONGER))
        for program in PROGRAMS
    ],
)
def test_a_program_runs_with_a_token(
    name: str, arguments: list[str], expected: str, run: Run
) -> None:
    if name == "pandas_column":
        pytest.importorskip("pandas")
    printed = run_to_its_end(run, name, arguments)
    assert re.fullmatch(expected, printed.strip(), re.DOTALL), printed


@pytest.mark.slow
@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, arguments) for name, arguments, _ in PROGRAMS),
        ("batch", ["names.csv", "answers.jsonl"]),
        ("image", ["a", "cube"]),
        ("stream", []),
        ("train", ["local/trainer", "local/mine", "talk.mp3"]),
    ],
)
def test_a_program_runs_without_a_token(
    name: str,
    arguments: list[str],
    run: Run,
    local: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name == "pandas_column":
        pytest.importorskip("pandas")
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    assert run_to_its_end(run, name, arguments)
    assert not local.requests


def run_to_its_end(run: Run, name: str, arguments: list[str]) -> str:
    """Run an example that may leave early, if it does so without a message."""
    try:
        return run(f"{name}.py", *arguments)
    except SystemExit as left:
        if left.code is None:
            return ""
        raise


@pytest.mark.slow
def test_the_application_of_fastapi_responds(local: LocalServer) -> None:
    pytest.importorskip("fastapi")
    example = runpy.run_path(str(EXAMPLES / "fastapi_app.py"))
    assert example["greeting"]("Alice") == "hello Alice"
    assert example["chat"]("Hello?").media_type == "text/plain"
    local.faults.error(402, times=9)
    with pytest.raises(example["HTTPException"]) as raised:
        example["greeting"]("Alice")
    assert raised.value.status_code == 502


@pytest.mark.usefixtures("local")
def test_the_webhook_of_nobody_is_refused() -> None:
    example = runpy.run_path(str(EXAMPLES / "webhook.py"))
    response = example["app"].test_client().post("/replicate", data=b"{}")
    assert response.status_code == 400


class Span:
    """A span that remembers what it is told."""

    def __init__(self, name: str, start_time: int) -> None:
        self.name = name
        self.attributes: dict[str, Any] = {}
        self.events: list[str] = []
        self.status: Any = None
        self.times = [start_time]

    def set_attribute(self, name: str, value: Any) -> None:
        self.attributes[name] = value

    def add_event(self, name: str, timestamp: int) -> None:
        self.events.append(name)
        self.times.append(timestamp)

    def set_status(self, status: Any) -> None:
        self.status = status

    def end(self, end_time: int) -> None:
        self.times.append(end_time)


class Tracer:
    """A tracer whose spans can be looked at."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def start_span(self, name: str, **options: Any) -> Span:
        self.spans.append(Span(name, **options))
        return self.spans[-1]


def test_spans_last_from_the_creation_of_a_prediction_to_its_end(local: LocalServer) -> None:
    pytest.importorskip("opentelemetry")
    tracer = Tracer()
    example = runpy.run_path(str(EXAMPLES / "spans.py"))
    client = Replicate(on_event=example["spans_of"](tracer))
    client.run("replicate/hello-world", {"text": "Alice"})
    with pytest.raises(PredictionFailed):
        client.run("local/always-fails")
    good, bad = tracer.spans
    assert good.name == "run replicate/hello-world"
    assert good.attributes["replicate.status"] == "succeeded"
    assert good.attributes["replicate.predict_time"] >= 0
    assert good.events[-1] == "started"
    assert good.times == sorted(good.times)
    assert good.status is None
    assert bad.attributes["replicate.status"] == "failed"
    assert bad.status is not None
