"""What is recorded is played back: the same text in the same pieces, and nothing leaves."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from replicate_sync import (
    Polling,
    PredictionFailed,
    Replicate,
    ResponseError,
    Retries,
    webhooks,
)
from replicate_sync.server import LocalServer, log
from replicate_sync.server.recording.exchanges import RecordingFile, read_recording
from replicate_sync.server.recording.redaction import redact

UPSTREAM_TOKEN = "r8_" + "upstreamsecret" * 3
TEXT = ["Once", " upon", "\n", "", "a\nb", "\u2028\x85", " \N{SNOWMAN}"]


class Hooks(ThreadingHTTPServer):
    """A program that receives webhooks."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HooksHandler)
        self.received: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class HooksHandler(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def upstream() -> Iterator[LocalServer]:
    with LocalServer(token=UPSTREAM_TOKEN, idle_timeout=1) as server:
        server.script("me/words", tokens=TEXT, delay=0.03, logs="r8_" + "x" * 37)
        server.script("me/picture", output=[b"GIF8...", b"\x89PNG\x00\xff"])
        server.script("me/fails", fail="out of words")

        @server.model("me/size")
        def size(file: Path, api_key: str = "") -> str:
            return f"{file.suffix} {len(file.read_bytes())}"

        yield server


def client_of(server: LocalServer) -> Replicate:
    return Replicate(
        server.token,
        base_url=server.url,
        proxy="",
        polling=Polling(attempts=600, delay=0.02),
        retries=Retries(first=0.01, ceiling=0.02),
    )


def scenario(server: LocalServer, tmp_path: Path) -> list[Any]:
    """Do what an application does, and return all that came of it."""
    path = tmp_path / "input.bin"
    path.write_bytes(b"x" * 2000)
    with client_of(server) as client:
        seen: list[Any] = [list(client.stream("me/words", {"prompt": "a"}))]
        pictures = client.run("me/picture", {})
        seen.append([picture.read() for picture in pictures])
        uploaded = client.files.create(path)
        seen.append(client.run("me/size", {"file": uploaded.url, "api_key": "hunter2hunter2"}))
        seen.append(client.run("me/size", {"file": path}))
        try:
            client.run("me/fails", {})
        except PredictionFailed as error:
            seen.append(str(error.prediction and error.prediction.error))
        prediction = client.predictions.create("me/words", {"prompt": "b"})
        seen.append((prediction.id, prediction.wait().output))
        seen.append(client.account.get().username)
    return seen


@pytest.mark.slow
def test_an_application_finds_no_difference(upstream: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with LocalServer() as recorder:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        recorded = scenario(recorder, tmp_path)
        assert recorder.jobs.all() == []
    upstream.stop()
    with LocalServer() as player:
        player.replay(path, speed=0)
        assert scenario(player, tmp_path) == recorded
        assert scenario(player, tmp_path) == recorded  # as often as one wants
    assert recorded[0] == [text for text in TEXT if text]
    assert recorded[1] == [b"GIF8...", b"\x89PNG\x00\xff"]
    assert recorded[2:5] == [".bin 2000", " 2000", "out of words"]


@pytest.mark.slow
def test_no_secret_is_on_the_disk(upstream: LocalServer, tmp_path: Path, hooks: Hooks) -> None:
    path = tmp_path / "calls.jsonl"
    with LocalServer() as recorder:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        scenario(recorder, tmp_path)
        with client_of(recorder) as client:
            secret = client.webhooks.default.secret.get().key
            client.predictions.create("me/words", {}, webhook=hooks.url).wait()
    text = path.read_text()
    for hidden in (UPSTREAM_TOKEN, "r8_", secret, "whsec_", "hunter2", "Bearer", "webhook-sig"):
        assert hidden not in text
    for word in ("authorization", "cookie", "signature"):
        assert word not in text.lower()
    assert "x" * 100 not in text  # contents of inputs are digests
    lines = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
    assert lines[0] == {"recording": 1, "upstream": upstream.url}
    assert str(upstream.port) not in text.partition("\n")[2]


@pytest.mark.slow
def test_no_secret_that_comes_back_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    signed = f"https://bucket.example/x.png?X-Amz-Date=1&X-Amz-Signature={16 * 'beef'}"
    texts = ("own-upstream-token", "own-client-token", signed)
    with LocalServer(token="own-upstream-token") as upstream, LocalServer() as recorder:

        @upstream.model("me/echo")
        def echo(text: str) -> Iterator[str]:
            log(text)
            yield from ("It is ", text)

        recorder.token = "own-client-token"
        recorder.record(path, upstream.url, token="own-upstream-token")
        with client_of(recorder) as client:
            said = [client.run("me/echo", {"text": text}) for text in texts]
            said += ["".join(client.stream("me/echo", {"text": text})) for text in texts]
    assert said == 2 * [f"It is {text}" for text in texts]
    written = path.read_text()
    for hidden in ("own-upstream", "own-client", "beef", "Signature", "X-Amz"):
        assert hidden not in written
    with LocalServer() as player, client_of(player) as client:
        player.replay(path, speed=0)
        signed_again = "https://bucket.example/x.png?X-Amz-Date=2&X-Amz-Signature=c0ffee"
        assert client.run("me/echo", {"text": signed_again}).startswith("It is https://bucket")


def test_a_secret_input_is_not_on_the_disk_and_found_again(
    upstream: LocalServer, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"

    @upstream.model("me/private")
    def private(text: str, access: str) -> str:
        return f"{text} {len(access)}"

    model = upstream.models.get("me/private")
    assert model is not None
    properties = model.input["properties"]
    access = {**properties["access"], "format": "password"}
    hiding = {**model.input, "properties": {**properties, "access": access}}
    upstream.models.add(replace(model, input=hiding))
    with LocalServer() as recorder, client_of(recorder) as client:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        for text in ("a", "b"):
            assert client.run("me/private", {"text": text, "access": "hunter2"}) == f"{text} 7"
    assert "hunter2" not in path.read_text()
    with LocalServer() as player, client_of(player) as client:
        player.replay(path, speed=0)
        for text in ("b", "a"):
            assert client.run("me/private", {"text": text, "access": "another"}) == f"{text} 7"
        with pytest.raises(ResponseError, match="never recorded"):
            client.run("me/private", {"text": "c", "access": "hunter2"})


def test_an_output_is_played_back_as_it_was(upstream: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    output = [
        {"token": "The", "secret": "no"},
        "hf_hub_download and sk_learn_text_extraction",
        "Send it to https://api.example/v1?api_key=YOUR_API_KEY, or https://me:password@api.example.",
    ]
    upstream.script("me/tokens", output=output)
    with LocalServer() as recorder, client_of(recorder) as client:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        assert client.run("me/tokens", {}) == output
    with LocalServer() as player, client_of(player) as client:
        player.replay(path, speed=0)
        assert client.run("me/tokens", {}) == output


@pytest.mark.parametrize(
    "secret",
    [
        "r8_" + 37 * "a",
        "hf_" + 34 * "a",
        "sk-proj-" + 9 * "a_1B",
        "sk_live_" + 9 * "a1B",
        "ghp_" + 36 * "a",
        "AKIA" + 16 * "A",
        "whsec_" + 16 * "A/",
    ],
)
def test_the_tokens_of_other_services_are_left_out(secret: str) -> None:
    assert redact({"output": [f"It is {secret}."]}) == {"output": ["It is [redacted]."]}


def test_a_url_in_an_input_has_no_signature_and_no_password() -> None:
    for url, shown in (
        ("https://b.example/x.png?Expires=1&Signature=a", "https://b.example/x.png?[redacted]"),
        ("{origin}/v1/files/x/download?sig=a", "{origin}/v1/files/x/download?[redacted]"),
        ("https://me:hunter2@b.example/x?size=1", "https://[redacted]@b.example/x?size=1"),
    ):
        assert redact({"input": {"image": url, "prompt": f"See {url}"}}) == {
            "input": {"image": shown, "prompt": f"See {shown}"}
        }


def test_a_line_separator_in_a_text_ends_no_line_of_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    body = {"text": "a\u2028b\x85c\u2029d\x0ce\rf"}
    line = {
        "request": {"method": "POST", "path": "/v1/predictions", "body": body},
        "response": {"status": 201, "headers": {}, "body": body},
    }
    for _ in range(2):  # it goes on where it ended
        file = RecordingFile(path, "http://127.0.0.1:1/v1")
        file.write(line)
        file.close()
    assert read_recording(path).exchanges == [line, line]


@pytest.mark.slow
def test_the_times_are_the_recorded_ones_or_none(upstream: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    upstream.script("me/slow", tokens=["a", "b", "c"], delay=0.15)
    with LocalServer() as recorder:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        with client_of(recorder) as client:
            list(client.stream("me/slow", {}))
    seconds = {}
    for speed in (1.0, 0.0):
        with LocalServer() as player, client_of(player) as client:
            player.replay(path, speed=speed)
            began_at = time.monotonic()
            assert list(client.stream("me/slow", {})) == ["a", "b", "c"]
            seconds[speed] = time.monotonic() - began_at
    assert seconds[1.0] > 0.35
    assert seconds[0.0] < 0.25


@pytest.mark.slow
def test_webhooks_are_passed_on_and_played_back(
    upstream: LocalServer, tmp_path: Path, hooks: Hooks
) -> None:
    path = tmp_path / "calls.jsonl"
    with LocalServer() as recorder:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        with client_of(recorder) as client:
            options = {"webhook": hooks.url, "webhook_events_filter": ["completed"]}
            made = client.predictions.create("me/words", {}, **options)
            made.wait()
            wait_for(lambda: hooks.received)
            headers, body = hooks.received.pop()
            webhooks.verify(body, headers, client.webhooks.default.secret.get().key)
            assert (json.loads(body)["id"], json.loads(body)["output"]) == (made.id, TEXT)
    with LocalServer() as player, client_of(player) as client:
        player.replay(path, speed=0)
        client.predictions.create("me/words", {}, **options)
        wait_for(lambda: hooks.received)
        headers, body = hooks.received.pop()
        webhooks.verify(body, headers, client.webhooks.default.secret.get().key)
        assert (json.loads(body)["id"], json.loads(body)["output"]) == (made.id, TEXT)


def wait_for(right: Any) -> None:
    deadline = time.monotonic() + 5
    while not right():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_what_was_never_recorded_is_a_clear_error(upstream: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with LocalServer() as recorder:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        with client_of(recorder) as client:
            client.run("me/words", {"prompt": "recorded"})
    before = len(upstream.requests)
    with LocalServer() as player, client_of(player) as client:
        player.replay(path)
        with pytest.raises(ResponseError, match=r"never recorded: calls\.jsonl has") as caught:
            client.run("me/words", {"prompt": "another"})
        assert caught.value.status_code == 400
        assert "another" in str(caught.value)
        with pytest.raises(ResponseError, match="never recorded"):
            client.account.get()
    assert len(upstream.requests) == before


@pytest.mark.slow
def test_a_clients_own_token_is_passed_on(upstream: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with LocalServer() as recorder:
        recorder.record(path, upstream.url)
        for token, right in ((UPSTREAM_TOKEN, True), ("r8_local", False)):
            with Replicate(token, base_url=recorder.url, proxy="") as client:
                if right:
                    assert client.account.get().username == "local"
                else:
                    with pytest.raises(ResponseError):
                        client.account.get()
    assert UPSTREAM_TOKEN not in path.read_text()


def test_the_proxy_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.jsonl"
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    # It takes requests as a proxy does, with the whole URL.
    with LocalServer(allowed_hosts=["api.example"]) as proxy, LocalServer() as recorder:
        monkeypatch.setenv("http_proxy", proxy.origin)
        recorder.record(path, "http://api.example/v1", token=proxy.token)
        with client_of(recorder) as client:
            assert client.run("replicate/hello-world", {"text": "Al"}) == "hello Al"
        assert "api.example" in {one.headers["Host"] for one in proxy.requests}
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # is not for this machine
        recorder.record(path, proxy.url, token=proxy.token)
        with client_of(recorder) as client:
            assert client.run("replicate/hello-world", {"text": "Al"}) == "hello Al"
    assert "{origin}/v1/predictions/" in path.read_text()


def test_certificates_that_are_missing_are_one_sentence(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    call.server.record(tmp_path / "calls.jsonl", "https://127.0.0.1:1/v1")
    response = call.get("/v1/account")
    assert (response.status_code, "missing.pem" in response.json()["detail"]) == (502, True)


def test_an_api_that_is_not_there_is_an_error_and_is_not_recorded(
    tmp_path: Path, call: Any
) -> None:
    path = tmp_path / "calls.jsonl"
    call.server.record(path, "http://127.0.0.1:1/v1")
    response = call.get("/v1/account")
    assert (response.status_code, "does not respond" in response.json()["detail"]) == (502, True)
    call.server.stop()
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.slow
def test_a_recording_goes_on_where_it_ended(upstream: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    for model in ("me/words", "me/picture"):
        with LocalServer() as recorder, client_of(recorder) as client:
            recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
            client.run(model, {})
    assert path.read_text().count('"recording"') == 1
    with LocalServer() as player, client_of(player) as client:
        player.replay(path, speed=0)
        assert client.run("me/words", {}) == "".join(TEXT)
        assert len(client.run("me/picture", {})) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        ("{}\n", "is no recording"),
        ("no json\n", "Line 1 .* is no JSON"),
        ('{"recording": 1}\n[]\n', "Line 2 .* is no JSON object"),
        ('{"recording": 1}\n{"request": {"method": "GET", "path": "/"}}\n', "response is required"),
        ('{"recording": 1}\n{"request": "x", "response": {}}\n', "Line 2 .* request: Invalid type"),
        (
            '{"recording": 1}\n{"request": {"method": "GET", "path": "/"}, "response": '
            '{"status": "x", "headers": {}}}\n',
            "Line 2 .* response.status: Invalid type",
        ),
        ('{"recording": 1}\n{"webhook": {"after": 1}}\n', "webhook: prediction is required"),
    ],
)
def test_what_is_no_recording_is_one_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "calls.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=words):
        LocalServer().replay(path)


def test_what_cannot_be_recorded_is_one_sentence(tmp_path: Path) -> None:
    server = LocalServer()
    with pytest.raises(ValueError, match="http or https"):
        server.record(tmp_path / "a", "ftp://x")
    with pytest.raises(ValueError, match=r"cannot be read|Nothing can be recorded"):
        server.record(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(ValueError, match="speed"):
        server.replay(tmp_path, speed=-1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="Nothing can be recorded to /dev/full: No space left"):
        LocalServer().record("/dev/full", "http://127.0.0.1:1")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit for files")
def test_a_disk_that_fills_up_costs_no_client_its_response(
    upstream: LocalServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import resource

    path = tmp_path / "calls.jsonl"
    with LocalServer() as server:
        server.record(path, upstream.url, token=UPSTREAM_TOKEN)
        client = client_of(server)
        assert client.run("replicate/hello-world", {"text": "Ada"}) == "hello Ada"
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, limits[1]))
        try:
            assert client.run("replicate/hello-world", {"text": "Bob"}) == "hello Bob"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "could not write its recording" in caplog.text
        assert client.run("replicate/hello-world", {"text": "Eve"}) == "hello Eve"
    recorded = [one["request"]["body"]["input"]["text"] for one in read_recording(path).exchanges]
    assert recorded == ["Ada", "Eve"]


@pytest.mark.slow
def test_the_fixture_replays(
    upstream: LocalServer,
    tmp_path: Path,
    replicate_server: LocalServer,
    replicate_client: Replicate,
) -> None:
    path = tmp_path / "calls.jsonl"
    with LocalServer() as recorder, client_of(recorder) as client:
        recorder.record(path, upstream.url, token=UPSTREAM_TOKEN)
        client.run("me/words", {"prompt": "x"})
    replicate_server.replay(path, speed=0)
    assert replicate_client.run("me/words", {"prompt": "x"}) == "".join(TEXT)
    assert replicate_server.requests[-1].path.startswith("/v1/")
