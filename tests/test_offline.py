"""The client against the local server in its process: what most programs do, end to end."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from PIL import Image

import replicate_sync
from replicate_sync import (
    AuthenticationError,
    FileOutput,
    InvalidInputError,
    ModelNotFoundError,
    Polling,
    PredictionCanceled,
    PredictionFailed,
    Replicate,
    ReplicateHome,
    Retries,
)
from replicate_sync.offline import LocalReplicate

QUICK = Polling(attempts=400, delay=0.01)
HELLO = "replicate/hello-world"
LLAMA = "meta/meta-llama-3-70b-instruct"


@pytest.fixture(scope="module")
def client() -> Iterator[LocalReplicate]:
    with replicate_sync.local() as client:
        yield client


def picture(file: FileOutput) -> Image.Image:
    return Image.open(io.BytesIO(file.read()))


@pytest.mark.slow
def test_a_chat_streams_and_keeps_its_parameters(client: LocalReplicate) -> None:
    options: Any = {"max_tokens": 12, "extra_data": {"seed": 7}}
    pieces = list(client.chat("Rivers.", **options))
    assert len(pieces) > 8
    assert pieces == list(client.chat("Rivers.", **options))
    text = "".join(pieces)
    word = text.split()[8]
    stopped = "".join(client.chat("Rivers.", stop=[word], **options))
    assert text.startswith(stopped)
    assert word not in stopped


def test_run_and_stream_return_the_same_text(client: LocalReplicate) -> None:
    given = {"prompt": "A train", "seed": 3, "max_new_tokens": 6}
    model = "google-deepmind/gemma-2b-it"
    assert client.run(model, given) == "".join(client.stream(model, given))


def test_hello_world_says_hello(client: LocalReplicate) -> None:
    assert client.run(HELLO, {"text": "Alice"}) == "hello Alice"


def test_pictures_are_files(client: LocalReplicate) -> None:
    given = {"prompt": "a red cube", "num_outputs": 2, "seed": 1, "megapixels": "0.25"}
    pictures = client.run("black-forest-labs/flux-schnell", given)
    assert [type(file) for file in pictures] == [FileOutput, FileOutput]
    assert picture(pictures[0]).size == (512, 512)
    assert pictures[0].read() != pictures[1].read()


@pytest.mark.slow
def test_the_homepages_client_runs_on_the_local_server(client: LocalReplicate) -> None:
    server = client.server
    home = ReplicateHome(base_url=server.origin, polling=QUICK)
    with closing(home.chat("Hello")) as chat:
        assert next(chat)
    assert picture(home.image("a red cube", "sdxl")).width >= 256
    home = ReplicateHome(api_key=server.token, base_url=server.url, polling=QUICK)
    assert picture(home.image("a red cube", "sdxl")).width >= 256


def test_functions_of_ones_own_are_models(client: LocalReplicate) -> None:
    @client.server.model("me/count")
    def count(to: int, word: str = "x") -> Iterator[str]:
        for n in range(to):
            yield f"{word}{n}\n"

    @client.server.model("me/square")
    def square(size: int = 8) -> Image.Image:
        return Image.new("RGB", (size, size), "red")

    @client.server.model("me/broken")
    def broken() -> str:
        raise ValueError("the reason")

    assert list(client.stream("me/count", {"to": 3})) == ["x0\n", "x1\n", "x2\n"]
    assert client.run("me/count", {"to": 2, "word": "y"}) == "y0\ny1\n"
    assert picture(client.run("me/square")).size == (8, 8)
    with pytest.raises(PredictionFailed, match="the reason") as raised:
        client.run("me/broken")
    assert raised.value.prediction is not None
    assert "ValueError" in raised.value.prediction.logs
    with pytest.raises(InvalidInputError, match="to is required"):
        client.run("me/count")
    with pytest.raises(InvalidInputError, match="nope"):
        client.run("me/count", {"to": 1, "nope": 2})


def test_a_community_model_is_found_by_its_latest_version(client: LocalReplicate) -> None:
    @client.server.model("me/community", official=False)
    def community() -> str:
        return "found"

    assert client.run("me/community") == "found"
    assert client.run("me/community") == "found"


def test_leaving_a_stream_cancels_its_prediction(client: LocalReplicate) -> None:
    gone = threading.Event()

    @client.server.model("me/endless")
    def endless() -> Iterator[str]:
        try:
            while True:
                yield "word "
                time.sleep(0.01)
        finally:
            gone.set()

    for _ in client.stream("me/endless"):
        break
    assert gone.wait(2)
    assert next(client.predictions.list()).status == "canceled"


def test_a_canceled_prediction_is_not_taken_for_a_result(client: LocalReplicate) -> None:
    quick = Replicate(client.server.token, base_url=client.server.url, polling=QUICK)
    prediction = quick.predictions.create("local/slow", {"seconds": 30})
    threading.Timer(0.05, prediction.cancel).start()
    with pytest.raises(PredictionCanceled):
        quick.predictions.get(prediction.id).wait()


def test_predictions_are_listed_newest_first(client: LocalReplicate) -> None:
    created = [client.predictions.create(HELLO, {"text": str(n)}, wait=True).id for n in range(3)]
    listed = client.predictions.list(limit=3)
    assert [prediction.id for prediction in listed] == created[::-1]


def test_a_wrong_token_and_a_misspelled_model_are_named(client: LocalReplicate) -> None:
    with pytest.raises(AuthenticationError, match="token"):
        Replicate("wrong", base_url=client.server.url).run(HELLO, {"text": "x"})
    with pytest.raises(ModelNotFoundError, match="replicate/helo-world"):
        client.run("replicate/helo-world", {"text": "x"})


@pytest.mark.slow
def test_thirty_threads_get_their_own_results(client: LocalReplicate) -> None:
    results: dict[int, str] = {}

    def run(n: int) -> None:
        results[n] = client.run(HELLO, {"text": str(n)})

    threads = [threading.Thread(target=run, args=(n,)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: f"hello {n}" for n in range(30)}


def test_the_server_ends_with_its_client() -> None:
    with replicate_sync.local() as client:
        other = Replicate(
            client.server.token, base_url=client.server.url, retries=Retries(attempts=1)
        )
        assert other.run(HELLO, {"text": "x"}) == "hello x"
    with pytest.raises(ConnectionError):
        other.predictions.get("x")


@pytest.mark.scale
def test_the_server_ends_with_the_program() -> None:
    program = (
        "import replicate_sync; client = replicate_sync.local(); "
        "print(client.run('replicate/hello-world', {'text': 'x'}))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=20
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello x\n", "")


def test_a_proxy_of_the_environment_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with replicate_sync.local() as client:
        assert client.run(HELLO, {"text": "x"}) == "hello x"
