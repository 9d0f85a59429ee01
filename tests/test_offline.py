"""The client against the embedded server: the main job, end to end."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def client() -> Iterator[LocalReplicate]:
    with replicate_sync.local() as client:
        yield client


def test_a_chat_streams_and_takes_its_parameters_seriously(client: LocalReplicate) -> None:
    pieces = list(client.chat("Tell me about rivers.", max_tokens=30, extra_data={"seed": 7}))
    assert len(pieces) > 10
    assert pieces == list(
        client.chat("Tell me about rivers.", max_tokens=30, extra_data={"seed": 7})
    )
    text = "".join(pieces)
    word = text.split()[8]
    cut = "".join(
        client.chat("Tell me about rivers.", max_tokens=30, stop=[word], extra_data={"seed": 7})
    )
    assert text.startswith(cut)
    assert word not in cut


@pytest.mark.parametrize("model", ["meta/meta-llama-3-70b-instruct", "google-deepmind/gemma-2b-it"])
def test_run_and_stream_tell_the_same_text(client: LocalReplicate, model: str) -> None:
    given = {"prompt": "A train", "seed": 3}
    assert client.run(model, given) == "".join(client.stream(model, given))


def test_hello_world_says_hello(client: LocalReplicate) -> None:
    assert client.run("replicate/hello-world", {"text": "Alice"}) == "hello Alice"


def test_pictures_are_files(client: LocalReplicate) -> None:
    pictures = client.run(
        "black-forest-labs/flux-schnell", {"prompt": "a red cube", "num_outputs": 2, "seed": 1}
    )
    assert [type(p) for p in pictures] == [FileOutput, FileOutput]
    first = Image.open(io.BytesIO(pictures[0].read()))
    assert first.size == (1024, 1024)
    assert pictures[0].read() != pictures[1].read()


@pytest.mark.parametrize("keyed", [False, True])
def test_the_homepages_door_opens_on_the_embedded_server(
    client: LocalReplicate, keyed: bool
) -> None:
    where = (
        {"api_key": client.server.token, "base_url": client.server.url}
        if keyed
        else {"base_url": client.server.origin}
    )
    home = ReplicateHome(polling=Polling(100, 0.05), **where)  # type: ignore[arg-type]
    assert len("".join(home.chat("Hello"))) > 20
    for alias in ("sd-3", "sdxl", "playground-v2.5"):
        image = home.image("a red cube", alias)
        assert Image.open(io.BytesIO(image.read())).width >= 256


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
    assert Image.open(io.BytesIO(client.run("me/square").read())).size == (8, 8)
    with pytest.raises(PredictionFailed, match="the reason") as raised:
        client.run("me/broken")
    assert "ValueError" in raised.value.prediction.logs
    with pytest.raises(InvalidInputError, match="to is required"):
        client.run("me/count")
    with pytest.raises(InvalidInputError, match="nope"):
        client.run("me/count", {"to": 1, "nope": 2})


def test_a_community_model_is_found_by_its_latest_version(client: LocalReplicate) -> None:
    @client.server.model("me/community", official=False)
    def community() -> str:
        return "found"

    assert client.run("me/community") == client.run("me/community") == "found"


def test_leaving_a_stream_cancels_it_there(client: LocalReplicate) -> None:
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


def test_a_canceled_prediction_does_not_look_like_an_answer(client: LocalReplicate) -> None:
    impatient = Replicate(
        client.server.token, base_url=client.server.url, polling=Polling(100, 0.05)
    )
    prediction = impatient.predictions.create("local/slow", {"seconds": 30})
    threading.Timer(0.2, prediction.cancel).start()
    with pytest.raises(PredictionCanceled):
        impatient.predictions.get(prediction.id).wait()


def test_predictions_are_listed_newest_first(client: LocalReplicate) -> None:
    made = [
        client.predictions.create("replicate/hello-world", {"text": str(n)}, wait=True).id
        for n in range(3)
    ]
    listed = client.predictions.list()
    assert [next(listed).id for _ in made] == made[::-1]


def test_a_wrong_token_and_a_misspelt_model_are_told(client: LocalReplicate) -> None:
    with pytest.raises(AuthenticationError, match="token"):
        Replicate("wrong", base_url=client.server.url).run("replicate/hello-world", {"text": "x"})
    with pytest.raises(ModelNotFoundError, match="replicate/helo-world"):
        client.run("replicate/helo-world", {"text": "x"})


def test_thirty_threads_get_their_own_answers(client: LocalReplicate) -> None:
    answers: dict[int, str] = {}

    def ask(n: int) -> None:
        answers[n] = client.run("replicate/hello-world", {"text": str(n)})

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: f"hello {n}" for n in range(30)}


def test_the_server_ends_with_its_client_or_with_the_program() -> None:
    with replicate_sync.local() as one:
        other = Replicate(one.server.token, base_url=one.server.url, retries=Retries(attempts=1))
        assert other.run("replicate/hello-world", {"text": "x"}) == "hello x"
    with pytest.raises(ConnectionError):
        other.predictions.get("x")
    program = "import replicate_sync; c = replicate_sync.local(); print(c.run('replicate/hello-world', {'text': 'x'}))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=20
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello x\n", "")


def test_a_proxy_of_the_environment_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with replicate_sync.local() as one:
        assert one.run("replicate/hello-world", {"text": "x"}) == "hello x"
