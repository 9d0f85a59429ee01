"""The homepage's client: four pinned models, created and polled, with a token and without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from wire import CUT, QUICK, TOKEN, Request, StartWire, Wire, response

from replicate_sync import (
    AuthenticationError,
    ConnectionFailed,
    ImageOutput,
    InputRejectedError,
    InvalidInputError,
    ModelNotFoundError,
    Polling,
    PredictionCanceled,
    PredictionFailed,
    PredictionTimeout,
    RateLimitError,
    ReplicateHome,
    ResponseError,
    Retries,
)

GEMMA = "google-deepmind/gemma-2b-it"
SD3 = "stability-ai/stable-diffusion-3"
PICTURE = "https://replicate.delivery/x/out-0.png"
FAST = Retries(attempts=2, first=0.01)


class Page:
    """The homepage, or the API, which shows one state of a prediction after another."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)

    def __call__(self, request: Request) -> list[bytes]:
        plain = {"Content_Type": "text/plain;charset=utf-8"}
        if request.method == "POST":
            created = {"id": "p1", "status": "starting", "created_at": "x", "model": "m"}
            return [response(created, **plain)]
        state = self.states[0]
        if len(self.states) > 1:
            del self.states[0]
        return [response({"id": "p1", **state}, **plain)]


def home(server: Wire, **options: Any) -> ReplicateHome:
    """Return a client of a server: of the API, where it has a token."""
    settings: dict[str, Any] = {"polling": QUICK, "retries": FAST, "timeout": 5}
    base_url = server.url if "api_key" in options else server.origin
    return ReplicateHome(base_url=base_url, **{**settings, **options})


def test_a_chat_speaks_the_homepage_protocol_and_yields_what_each_poll_adds(
    wire: StartWire,
) -> None:
    page = Page(
        {"status": "processing", "output": ["Hel"]},
        {"status": "processing", "output": ["Hel", "lo"]},
        {"status": "succeeded", "output": ["Hel", "lo", " you"]},
    )
    server = wire(page)
    assert list(home(server).chat([{"role": "user", "content": "Hi"}])) == ["Hel", "lo", " you"]
    first, *polls = server.requests
    assert (first.method, first.path) == ("POST", "/api/prediction")
    assert first.json == {
        "model": GEMMA,
        "version": ReplicateHome.model_versions[GEMMA],
        "input": {"prompt": "Hi"},
    }
    assert {(r.method, r.path, r.query["id"]) for r in polls} == {("GET", "/api/poll", "p1")}
    for request in server.requests:
        assert "authorization" not in request.headers
        assert "origin" not in request.headers
        assert request.headers["user-agent"].startswith("replicate-sync/")


@pytest.mark.parametrize("output", [PICTURE, [PICTURE, "y"]])
@pytest.mark.parametrize("alias", ["sd-3", "sdxl", "playground-v2.5"])
def test_an_image_is_a_url_that_knows_its_prompt(wire: StartWire, output: Any, alias: str) -> None:
    server = wire(Page({"status": "processing"}, {"status": "succeeded", "output": output}))
    image = home(server).image("a red cube", alias)
    assert isinstance(image, ImageOutput)
    assert (image.url, image.prompt) == (PICTURE, "a red cube")
    sent = server.requests[0].json
    name = ReplicateHome.get_model(alias)
    assert (sent["model"], sent["version"]) == (name, ReplicateHome.model_versions[name])


@pytest.mark.parametrize(
    "polls",
    [
        [{"status": "succeeded", "output": [PICTURE]}],
        [{}, {"status": "processing"}, {"output": PICTURE}],
        [{"id": None, "status": None, "output": [PICTURE]}],
    ],
)
def test_the_shortest_responses_are_enough(wire: StartWire, polls: list[dict[str, Any]]) -> None:
    states = iter(polls)
    server = wire(lambda r: [response({"id": "p1"} if r.method == "POST" else next(states))])
    assert home(server).image("x").url == PICTURE


def test_an_id_may_be_a_number(wire: StartWire) -> None:
    ended = {"id": 7, "status": "succeeded", "output": [PICTURE]}
    server = wire(lambda r: [response({"id": 7} if r.method == "POST" else ended)])
    assert home(server).image("x").url == PICTURE
    assert server.requests[1].query["id"] == "7"


def test_the_shortest_error_is_enough(wire: StartWire) -> None:
    server = wire(lambda r: [response({"id": "p1"} if r.method == "POST" else {"error": "boom"})])
    with pytest.raises(PredictionFailed, match="boom"):
        home(server).image("x")


@pytest.mark.parametrize("shown", [{}, {"id": ""}, {"id": None}, [], "p1"])
def test_a_create_without_an_id_is_an_error(wire: StartWire, shown: Any) -> None:
    with pytest.raises(ResponseError):
        home(wire(lambda r: [response(shown)])).image("x")


@pytest.mark.slow
@pytest.mark.parametrize(("cancel", "canceled"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("leaves_in", ["create", "poll"])
def test_an_interrupted_image_is_canceled_unless_it_is_to_go_on(
    wire: StartWire, leaves_in: str, cancel: bool, canceled: int
) -> None:
    class Leaving(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            answered = super().send(request, **options)
            is_create = request.method == "POST" and "cancel" not in str(request.url)
            is_poll = request.method == "GET" and str(request.url).endswith("p1")
            if is_create if leaves_in == "create" else is_poll:
                answered.close()
                raise KeyboardInterrupt
            return answered

    body = {"input": {"prompt": "x"}, "version": ReplicateHome.model_versions[SD3]}
    running = {"id": "p1", "status": "processing", **body}
    listed = {"results": [running]}
    server = wire(lambda r: [response(running if r.path.endswith("p1") else listed)])
    with Leaving() as session, pytest.raises(KeyboardInterrupt):
        home(server, api_key="r8_x", session=session).image("x", cancel_on_exit=cancel)
    assert len(server.seen("POST", "/v1/predictions/p1/cancel")) == canceled


def test_an_image_is_read_and_saved_without_a_token(wire: StartWire, tmp_path: Path) -> None:
    server = wire(lambda r: [response(b"PNG")] if r.path == "/out.png" else page(r))
    page = Page({"status": "succeeded", "output": [f"{server.origin}/out.png"]})
    image = home(server).image("x")
    assert image.read() == b"PNG"
    assert image.save(tmp_path / "x.png").read_bytes() == b"PNG"


def test_with_a_token_the_same_models_run_through_the_api_and_are_still_only_polled(
    wire: StartWire,
) -> None:
    states = [("starting", None), ("processing", ["Hel"]), ("succeeded", ["Hel", "lo"])]

    def api(request: Request) -> list[bytes]:
        status, output = states.pop(0)
        data = {"id": "p1", "status": status, "output": output, "model": GEMMA}
        return [response({**data, "urls": {"stream": f"{server.origin}/never"}}, 201)]

    server = wire(api)
    client = home(server, api_key="r8_mine")
    assert client.base_url == server.url
    assert list(client.chat("Hi")) == ["Hel", "lo"]
    assert [(r.method, r.path) for r in server.requests] == [
        ("POST", "/v1/predictions"),
        ("GET", "/v1/predictions/p1"),
        ("GET", "/v1/predictions/p1"),
    ]
    assert server.requests[0].json == {
        "version": ReplicateHome.model_versions[GEMMA],
        "input": {"prompt": "Hi"},
    }
    assert {r.headers["authorization"] for r in server.requests} == {"Bearer r8_mine"}


def test_the_environments_token_is_not_sent_to_the_homepage(wire: StartWire) -> None:
    server = wire(Page({"status": "succeeded", "output": "ok"}))
    assert "".join(home(server).chat("x")) == "ok"
    assert all(TOKEN not in str(r.headers) for r in server.requests)


@pytest.mark.parametrize(
    "refusal",
    [
        response({"detail": "You need to sign in to run this model."}, 401),
        response(b"<html>blocked</html>", 403),
        response(b"", 404),
        response(b"", 410),
        response(b"<html>welcome</html>"),
        response(b"", 301, Location="https://replicate.com/"),
        response({"ok": True}),
    ],
)
def test_a_homepage_that_refuses_or_is_gone_names_the_way_out(
    wire: StartWire, refusal: bytes
) -> None:
    with pytest.raises(ResponseError) as raised:
        home(wire(lambda r: [refusal])).image("x")
    assert "pass a token, ReplicateHome(api_key=…)" in raised.value.hint


@pytest.mark.slow
def test_a_homepage_that_is_gone_between_two_polls_names_the_way_out(wire: StartWire) -> None:
    page = Page({"status": "processing"})
    gone = [response(b"", 410)]
    server = wire(lambda r: page(r) if r.method == "POST" else gone)
    with pytest.raises(ResponseError, match=r"ReplicateHome\(api_key=…\)") as raised:
        home(server).image("x")
    assert raised.value.prediction is not None


@pytest.mark.parametrize(("status", "kind"), [(422, InputRejectedError), (429, RateLimitError)])
def test_a_refusal_of_the_input_is_not_taken_for_a_closed_homepage(
    wire: StartWire, status: int, kind: type[ResponseError]
) -> None:
    server = wire(lambda r: [response({"detail": "no", "retry_after": 0}, status)])
    with pytest.raises(kind, match="Nothing was created") as raised:
        home(server).image("x")
    assert "api_key" not in str(raised.value)


def test_a_homepage_that_cannot_be_reached_names_the_way_out() -> None:
    client = ReplicateHome(base_url="http://127.0.0.1:9", retries=FAST)
    with pytest.raises(ConnectionFailed, match=r"refused.*ReplicateHome\(api_key=…\)"):
        list(client.chat("x"))


def test_for_a_wrong_token_no_token_is_asked_for(wire: StartWire) -> None:
    with pytest.raises(AuthenticationError) as raised:
        home(wire(lambda r: [response({"detail": "no"}, 401)]), api_key="r8_x").image("x")
    assert "ReplicateHome" not in str(raised.value)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ({"status": "failed", "error": "boom"}, PredictionFailed),
        ({"status": "canceled"}, PredictionCanceled),
        ({"status": "aborted"}, PredictionCanceled),
        ({"status": "succeeded", "output": None}, PredictionFailed),
        ({"status": "succeeded", "output": ["no url"]}, PredictionFailed),
        ({"status": "processing"}, PredictionTimeout),
    ],
)
def test_a_prediction_without_a_picture_is_an_error_that_carries_it(
    wire: StartWire, state: Any, kind: Any
) -> None:
    with pytest.raises(kind) as raised:
        home(wire(Page(state)), polling=Polling(3, 0.01)).image("x")
    assert raised.value.prediction.id == "p1"


def test_a_poll_that_fails_for_a_moment_is_retried(wire: StartWire) -> None:
    page = Page({"status": "succeeded", "output": "ok"})
    server = wire(lambda r: [CUT] if len(server.requests) == 2 else page(r))
    assert "".join(home(server).chat("x")) == "ok"


def test_a_prediction_of_the_homepage_cannot_be_canceled_and_ends_by_itself(
    wire: StartWire,
) -> None:
    server = wire(Page({"status": "processing", "output": ["Hel"]}))
    chat = home(server).chat("x")
    assert next(chat) == "Hel"
    chat.close()
    assert not [r for r in server.requests if "cancel" in r.path]
    with pytest.raises(PredictionTimeout) as raised:
        home(server, polling=Polling(1)).image("x")
    prediction = raised.value.prediction
    assert prediction is not None
    with pytest.raises(InvalidInputError, match="no way to cancel"):
        prediction.cancel()


def test_only_models_with_a_pinned_version_are_known_and_the_nearest_are_named() -> None:
    assert ReplicateHome.get_model() == GEMMA
    assert ReplicateHome.get_model("gemma-2b") == GEMMA
    for name in ("gema-2b", "google-deepmind/gemma-2b", "meta/meta-llama-3-70b-instruct"):
        with pytest.raises(ModelNotFoundError, match="gemma-2b"):
            ReplicateHome.get_model(name)
    known = set(ReplicateHome.model_versions)
    assert known == set(ReplicateHome.models) == set(ReplicateHome.model_aliases.values())
    assert {len(version) for version in ReplicateHome.model_versions.values()} == {64}


def test_a_model_is_not_asked_for_what_it_does_not_do(wire: StartWire) -> None:
    server = wire(lambda r: [])
    with pytest.raises(InvalidInputError, match=r"use image\(\)"):
        home(server).chat("x", "sd-3")
    with pytest.raises(InvalidInputError, match=r"use chat\(\)"):
        home(server).image("x", "gemma-2b")
    with pytest.raises(InvalidInputError, match="prompt of an image is a string, not list"):
        home(server).image(["x"])  # type: ignore[arg-type]
    assert server.requests == []


def test_the_one_call_form_returns_text_or_a_picture(wire: StartWire) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "user", "content": "a cat"}]
    options: Any = {"polling": QUICK, "retries": FAST}
    text = wire(Page({"status": "succeeded", "output": ["Hel", "lo"]}))
    options["base_url"] = text.origin
    assert ReplicateHome.create_completion("gemma-2b", messages, **options) == "Hello"
    assert text.requests[0].json["input"]["prompt"] == "User: a\nUser: a cat\nAssistant:"
    picture = wire(Page({"status": "succeeded", "output": [PICTURE]}))
    options["base_url"] = picture.origin
    image = ReplicateHome.create_completion("sd-3", messages, **options)
    assert isinstance(image, ImageOutput)
    assert image.prompt == picture.requests[0].json["input"]["prompt"] == "a cat"
    image = ReplicateHome.create_completion("sd-3", messages, prompt="a dog", **options)
    assert isinstance(image, ImageOutput)
    assert image.prompt == "a dog"


def test_json_is_json_whatever_its_content_type_says(wire: StartWire) -> None:
    page = Page({"status": "succeeded", "output": "ok"})
    server = wire(
        lambda r: [page(r)[0].replace(b"text/plain;charset=utf-8", b"application/octet-stream")]
    )
    assert "".join(home(server).chat("x")) == "ok"
    assert json.loads(server.requests[0].body)["model"] == GEMMA
