"""Projects with a cog.yaml: trained, changed while they are served, broken and mended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from replicate_sync.server import CogError, LocalServer

pytest.importorskip("cog")
pytestmark = pytest.mark.cog
MODELS = Path(__file__).parent / "models"
ECHO = """
from cog import BasePredictor, Input

class Predictor(BasePredictor):
    def setup(self):
        {setup}

    def predict(self, text: str = Input(description="{about}")) -> str:
        return "{word} " + text
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "trained.py").write_text((MODELS / "trained.py").read_text())
    (folder / "cog.yaml").write_text(
        "predict: trained.py:Predictor\ntrain: trained.py:train\nconcurrency:\n  max: 1\n"
    )
    return folder


def write(folder: Path, word: str = "one", setup: str = "pass", about: str = "Any") -> None:
    text = ECHO.format(word=word, setup=setup, about=about)
    (folder / "predict.py").write_text(text)
    (folder / "cog.yaml").write_text("predict: predict.py:Predictor\n")
    changed = time.time() + write.count  # type: ignore[attr-defined]
    write.count += 1  # type: ignore[attr-defined]
    os.utime(folder / "predict.py", (changed, changed))


write.count = 1  # type: ignore[attr-defined]


@pytest.fixture
def call(local: LocalServer, caller_of: Callable[[LocalServer], Any]) -> Iterator[Any]:
    caller = caller_of(local)
    yield caller
    caller.session.close()


def until(right: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_project_is_trained_and_makes_lists_of_objects(
    local: LocalServer, call: Any, project: Path
) -> None:
    local.cog("local/words", str(project))
    model = call.get("/v1/models/local/words").json()
    version = model["latest_version"]["id"]
    schemas = model["latest_version"]["openapi_schema"]["components"]["schemas"]
    assert schemas["TrainingInput"]["required"] == ["text"]
    call.post(
        "/v1/models",
        {"owner": "local", "name": "mine", "visibility": "private", "hardware": "cpu"},
    )
    url = f"/v1/models/local/words/versions/{version}/trainings"
    body = {"destination": "local/mine", "input": {"text": "some weights", "steps": 3}}
    made = call.post(url, body).json()
    until(lambda: call.get(made["urls"]["get"]).json()["completed_at"] is not None)
    done = call.get(made["urls"]["get"]).json()
    assert (done["status"], "step 3 of 3" in done["logs"]) == ("succeeded", True)
    assert call.get(done["output"]["weights"]).text == "SOME WEIGHTS"
    refused = call.post(url, {**body, "input": {"text": "x", "steps": 0}})
    assert refused.status_code == 422
    trained = done["output"]["version"].partition(":")[2]
    predicted = call.create(trained, {"text": "two words"}, Prefer="wait=20")
    output = call.get(predicted["urls"]["get"]).json()["output"]
    assert [word["text"] for word in output] == ["two", "words"]
    assert [call.get(word["file"]).text for word in output] == ["two", "words"]


def test_a_secret_is_hidden_wherever_it_could_be_shown(
    local: LocalServer, call: Any, project: Path
) -> None:
    local.cog("local/words", str(project))
    made = call.create("local/words", {"text": "x", "key": "hunter2"}, Prefer="wait=20")
    shown = call.get(made["urls"]["get"]).json()
    assert (shown["status"], shown["input"]["key"]) == ("succeeded", "[REDACTED]")
    page = requests.get(made["urls"]["web"], timeout=5).text
    assert "hunter2" not in str(made) + str(shown) + page


def test_a_changed_file_is_served_at_once(local: LocalServer, call: Any, tmp_path: Path) -> None:
    write(tmp_path, "one")
    local.cog("me/echo", str(tmp_path), reload=True)
    assert run(call) == ("succeeded", "one x")
    write(tmp_path, "two", about="Something else")
    until(lambda: run(call) == ("succeeded", "two x"))
    page = requests.get(f"{local.origin}/m/me/echo", timeout=5).text
    assert "Something else" in page


def run(call: Any) -> tuple[str, Any]:
    made = call.create("me/echo", {"text": "x"}, Prefer="wait=20")
    body = call.get(made["urls"]["get"]).json()
    return body["status"], body["output"] or body["error"]


def test_a_setup_that_fails_has_a_page_until_it_is_mended(
    local: LocalServer, call: Any, tmp_path: Path
) -> None:
    write(tmp_path, setup="raise ValueError('no <weights> here')")
    local.cog("me/echo", str(tmp_path), reload=True)
    page = requests.get(f"{local.origin}/m/me/echo", timeout=5).text
    assert "This model does not run" in page
    assert "no &lt;weights&gt; here" in page
    status, error = run(call)
    assert (status, "no <weights> here" in error) == ("failed", True)
    (tmp_path / "predict.py").write_text("this is no Python")
    until(lambda: "SyntaxError" in run(call)[1])
    write(tmp_path, "mended")
    until(lambda: run(call) == ("succeeded", "mended x"))
    assert "does not run" not in requests.get(f"{local.origin}/m/me/echo", timeout=5).text


def test_several_predictors_are_served_at_once(
    local: LocalServer, call: Any, tmp_path: Path, project: Path
) -> None:
    write(tmp_path)
    local.cog("me/echo", str(tmp_path))
    local.cog("local/words", str(project))
    first = call.create("me/echo", {"text": "x"})
    second = call.create("local/words", {"text": "x"})
    for made in (first, second):
        until(lambda made=made: call.get(made["urls"]["get"]).json()["status"] == "succeeded")


@pytest.mark.parametrize("concurrency", ["{max: 0}", "{max: many}", "{max: true}", "3"])
def test_a_wrong_concurrency_is_an_error(
    local: LocalServer, project: Path, concurrency: str
) -> None:
    (project / "cog.yaml").write_text(f"predict: trained.py\nconcurrency: {concurrency}\n")
    with pytest.raises(CogError, match="concurrency"):
        local.cog("local/words", str(project))
