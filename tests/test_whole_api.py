"""The whole API against the embedded server: files, trainings, deployments, webhooks, searches."""

from __future__ import annotations

import importlib.util
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.serving import make_server

import replicate_sync
from replicate_sync import InvalidInputError, ModelNotFoundError, Polling, Replicate, ResponseError, Training
from replicate_sync.inputs import INLINE
from replicate_sync.offline import LocalReplicate


@pytest.fixture(scope="module")
def local() -> Iterator[LocalReplicate]:
    with replicate_sync.local() as client:
        yield client


@pytest.fixture
def client(local: LocalReplicate) -> Replicate:
    return Replicate(local.server.token, base_url=local.server.url, polling=Polling(400, 0.02))


def test_what_a_model_takes_is_shown_and_checked(client: Replicate) -> None:
    flux = client.models.get("black-forest-labs/flux-schnell")
    assert "prompt" in flux.inputs
    assert "num_outputs" in str(flux.inputs)
    with pytest.raises(InvalidInputError, match="did you mean 'num_outputs'"):
        client.run("black-forest-labs/flux-schnell", {"prompt": "x", "num_output": 2}, validate=True)
    with pytest.raises(InvalidInputError, match="num_outputs must be at most 4"):
        client.run("black-forest-labs/flux-schnell", {"prompt": "x", "num_outputs": 9})


@pytest.mark.parametrize("size", [0, 1, INLINE, INLINE + 1, 3_000_000])
def test_a_file_reaches_a_model_whole_whichever_way_it_goes(
    local: LocalReplicate, client: Replicate, tmp_path: Path, size: int
) -> None:
    @local.server.model("me/size")
    def measure(file: Path) -> str:
        return f"{file.suffix} {file.stat().st_size}"

    (tmp_path / "a.txt").write_bytes(b"x" * size)
    assert client.run("me/size", {"file": tmp_path / "a.txt"}) == f".txt {size}"


def test_the_output_of_one_model_goes_straight_into_another(local: LocalReplicate, client: Replicate) -> None:
    @local.server.model("me/half")
    def half(image: Path) -> Image.Image:
        picture = Image.open(image)
        return picture.resize((picture.width // 2, picture.height // 2))

    [picture] = client.run("bytedance/sdxl-lightning-4step", {"prompt": "a hill", "width": 512, "height": 256})
    assert client.run("me/half", {"image": picture}).image().size == (256, 128)
    assert client.run("me/half", {"image": Image.new("RGB", (8, 8))}).image().size == (4, 4)


def test_an_object_with_files_inside_gives_files_inside(local: LocalReplicate, client: Replicate) -> None:
    @local.server.model("me/both")
    def both() -> dict[str, Any]:
        return {"picture": Image.new("RGB", (3, 3)), "words": ["a", "b"], "n": 1}

    made = client.run("me/both")
    assert made["picture"].image().size == (3, 3)
    assert (made["words"], made["n"]) == (["a", "b"], 1)


def test_files_are_kept_listed_and_deleted(client: Replicate) -> None:
    kept = client.files.create(io.BytesIO(b"hello"), metadata={"from": "a test"})
    again = client.files.get(kept.id or "")
    assert (again.size, again.metadata["from"], again.url) == (5, "a test", kept.url)
    assert kept.id in [file.id for file in client.files.list()]
    client.files.delete(kept.id or "")
    with pytest.raises(ResponseError, match="File not found"):
        client.files.get(kept.id or "")


def test_a_training_makes_a_version_that_runs(client: Replicate) -> None:
    client.models.create("local/mine", visibility="private", hardware="cpu")
    version = next(client.models.versions.list("local/trainer"))
    training = client.trainings.create(f"local/trainer:{version.id}", destination="local/mine", input={"steps": 5})
    logs = "".join(training.stream())
    assert isinstance(training, Training)
    assert "5/5" in logs
    assert training.output["version"].startswith("local/mine:")
    assert client.models.get("local/mine").latest_version is not None
    assert training.id in [one.id for one in client.trainings.list()]


def test_a_deployment_runs_predictions(client: Replicate) -> None:
    version = next(client.models.versions.list("replicate/hello-world"))
    made = client.deployments.create(
        name="hello",
        model="replicate/hello-world",
        version=str(version.id),
        hardware="cpu",
        min_instances=0,
        max_instances=1,
    )
    prediction = client.deployments.predictions.create(str(made), {"text": "Alice"}, wait=True)
    assert prediction.wait().output == "hello Alice"
    assert client.deployments.update(str(made), max_instances=2).current_release["number"] == 2
    client.deployments.delete(str(made))
    with pytest.raises(ResponseError):
        client.deployments.get(str(made))


def test_models_are_found_described_and_changed(client: Replicate) -> None:
    assert "black-forest-labs/flux-schnell" in [str(model) for model in client.search("flux").models]
    assert client.collections.get(next(client.collections.list()).slug or "").models
    made = client.models.create("local/empty", visibility="private", hardware="cpu", description="nothing")
    assert client.models.update(str(made), readme="# Read me").description == "nothing"
    assert client.models.readme.get(str(made)) == "# Read me"
    client.models.delete(str(made))
    with pytest.raises(ModelNotFoundError):
        client.models.get(str(made))
    assert client.account.get().username == "local"
    assert "cpu" in [hardware.sku for hardware in client.hardware.list()]


def test_the_example_receiver_believes_what_the_server_signed_and_nothing_else(
    local: LocalReplicate, client: Replicate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", local.server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", local.server.token)
    spec = importlib.util.spec_from_file_location(
        "webhook_example", Path(__file__).parent.parent / "examples" / "webhook.py"
    )
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    receiver = make_server("127.0.0.1", 0, example.app)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{receiver.server_port}/replicate"
        made = client.predictions.create(
            "replicate/hello-world", {"text": "Alice"}, webhook=url, webhook_events_filter=["completed"]
        )
        end = time.monotonic() + 5
        while made.id not in example.done and time.monotonic() < end:
            time.sleep(0.01)
        assert example.done == {made.id: "hello Alice"}
        forged = example.app.test_client().post(
            "/replicate", data=b"{}", headers={"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
        )
        assert forged.status_code == 400
    finally:
        receiver.shutdown()
        receiver.server_close()
