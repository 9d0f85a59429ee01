"""The homepage's door: four pinned models, asked and polled, with a key and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wire import CUT, QUICK, TOKEN, Request, Wire, answer

from replicate_sync import (
    AuthenticationError,
    ConnectionFailed,
    ImageOutput,
    InvalidInputError,
    ModelNotFoundError,
    Polling,
    PredictionCanceled,
    PredictionFailed,
    PredictionTimeout,
    ReplicateHome,
    ResponseError,
    Retries,
)

Start = Callable[[Callable[[Request], Any]], Wire]
GEMMA = "google-deepmind/gemma-2b-it"
FAST = Retries(attempts=2, first=0.01)


class Page:
    """The homepage, or with `official` the API, showing one look after another."""

    def __init__(self, *looks: dict[str, Any]) -> None:
        self.looks = list(looks)

    def __call__(self, request: Request) -> list[bytes]:
        plain = {"Content_Type": "text/plain;charset=utf-8"}
        if request.method == "POST":
            return [
                answer({"id": "p1", "status": "starting", "created_at": "x", "model": "m"}, **plain)
            ]
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [answer({"id": "p1", **look}, **plain)]


def home(server: Wire, **options: Any) -> ReplicateHome:
    where = server.url if "api_key" in options else server.origin
    return ReplicateHome(
        base_url=where, **{"polling": QUICK, "retries": FAST, "timeout": 5, **options}
    )


def test_a_chat_speaks_the_homepage_protocol_and_gives_what_each_look_adds(wire: Start) -> None:
    server = wire(
        Page(
            {"status": "processing", "output": ["Hel"]},
            {"status": "processing", "output": ["Hel", "lo"]},
        )
    )
    server.respond.looks += [{"status": "succeeded", "output": ["Hel", "lo", " you"]}]  # type: ignore[attr-defined]
    assert list(home(server).chat([{"role": "user", "content": "Hi"}])) == ["Hel", "lo", " you"]
    first, *polls = server.requests
    assert (first.method, first.path) == ("POST", "/api/prediction")
    assert first.json == {
        "model": GEMMA,
        "version": ReplicateHome.model_versions[GEMMA],
        "input": {"prompt": "Hi"},
    }
    assert {(r.method, r.path, r.query["id"]) for r in polls} == {("GET", "/api/poll", "p1")}
    assert all(
        "authorization" not in r.headers and "origin" not in r.headers for r in server.requests
    )
    assert all(r.headers["user-agent"].startswith("replicate-sync/") for r in server.requests)


@pytest.mark.parametrize(
    "output",
    ["https://replicate.delivery/x/out-0.png", ["https://replicate.delivery/x/out-0.png", "y"]],
)
@pytest.mark.parametrize("alias", ["sd-3", "sdxl", "playground-v2.5"])
def test_an_image_is_a_url_that_knows_its_prompt(wire: Start, output: Any, alias: str) -> None:
    server = wire(Page({"status": "processing"}, {"status": "succeeded", "output": output}))
    image = home(server).image("a red cube", alias)
    assert isinstance(image, ImageOutput)
    assert (image.url, image.prompt) == ("https://replicate.delivery/x/out-0.png", "a red cube")
    sent = server.requests[0].json
    name = ReplicateHome.get_model(alias)
    assert (sent["model"], sent["version"]) == (name, ReplicateHome.model_versions[name])


def test_an_image_is_read_and_saved_without_a_token(wire: Start, tmp_path: Path) -> None:
    server = wire(lambda r: [answer(b"PNG")] if r.path == "/out.png" else page(r))
    page = Page({"status": "succeeded", "output": [f"{server.origin}/out.png"]})
    image = home(server).image("x")
    assert image.read() == b"PNG"
    assert image.save(tmp_path / "x.png").read_bytes() == b"PNG"


def test_a_key_takes_the_same_models_through_the_official_api_and_still_only_polls(
    wire: Start,
) -> None:
    looks = [("processing", ["Hel"]), ("succeeded", ["Hel", "lo"])]

    def api(request: Request) -> list[bytes]:
        status, output = ("starting", None) if request.method == "POST" else looks.pop(0)
        urls = {"stream": f"{server.origin}/never"}
        return [
            answer(
                {"id": "p1", "status": status, "output": output, "model": GEMMA, "urls": urls}, 201
            )
        ]

    server = wire(api)
    assert list(home(server, api_key="r8_mine").chat("Hi")) == ["Hel", "lo"]
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


def test_the_environments_token_is_not_sent_to_the_homepage(wire: Start) -> None:
    server = wire(Page({"status": "succeeded", "output": "ok"}))
    assert "".join(home(server).chat("x")) == "ok"
    assert all(TOKEN not in str(r.headers) for r in server.requests)


@pytest.mark.parametrize(
    "refusal",
    [
        answer(
            {"detail": "You need to sign in to run this model.", "code": "SIGN_IN_REQUIRED"}, 401
        ),
        answer(b"<html>blocked</html>", 403),
        answer(b"", 404),
        answer(b"", 410),
        answer(b"<html>welcome</html>"),
        answer(b"", 301, Location="https://replicate.com/"),
        answer({"ok": True}),
    ],
)
def test_a_homepage_that_refuses_or_is_gone_names_the_way_out(wire: Start, refusal: bytes) -> None:
    with pytest.raises(ResponseError, match=r"ReplicateHome\(api_key=…\)"):
        home(wire(lambda r: [refusal])).image("x")


def test_a_homepage_that_cannot_be_reached_names_the_way_out() -> None:
    with pytest.raises(ConnectionFailed, match=r"refused.*ReplicateHome\(api_key=…\)"):
        list(ReplicateHome(base_url="http://127.0.0.1:9", retries=FAST).chat("x"))


def test_a_wrong_key_is_not_told_to_pass_a_key(wire: Start) -> None:
    with pytest.raises(AuthenticationError) as raised:
        home(wire(lambda r: [answer({"detail": "no"}, 401)]), api_key="r8_x").image("x")
    assert "ReplicateHome" not in str(raised.value)


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        ({"status": "failed", "error": "boom"}, PredictionFailed),
        ({"status": "canceled"}, PredictionCanceled),
        ({"status": "aborted"}, PredictionCanceled),
        ({"status": "succeeded", "output": None}, PredictionFailed),
        ({"status": "succeeded", "output": ["no url"]}, PredictionFailed),
        ({"status": "processing"}, PredictionTimeout),
    ],
)
def test_a_prediction_that_gives_no_picture_is_an_error_that_carries_it(
    wire: Start, look: Any, kind: Any
) -> None:
    with pytest.raises(kind) as raised:
        home(wire(Page(look)), polling=Polling(3, 0.01)).image("x")
    assert raised.value.prediction.id == "p1"


def test_a_look_that_fails_for_a_moment_is_taken_again(wire: Start) -> None:
    page = Page({"status": "succeeded", "output": "ok"})
    server = wire(lambda r: [CUT] if len(server.requests) == 2 else page(r))
    assert "".join(home(server).chat("x")) == "ok"


def test_only_models_with_a_pinned_version_are_known_and_the_nearest_are_named() -> None:
    assert ReplicateHome.get_model() == ReplicateHome.get_model("gemma-2b") == GEMMA
    for name in ("gema-2b", "google-deepmind/gemma-2b", "meta/meta-llama-3-70b-instruct"):
        with pytest.raises(ModelNotFoundError, match="gemma-2b"):
            ReplicateHome.get_model(name)
    assert (
        set(ReplicateHome.model_versions)
        == set(ReplicateHome.models)
        == set(ReplicateHome.model_aliases.values())
    )
    assert {len(v) for v in ReplicateHome.model_versions.values()} == {64}


def test_a_model_is_not_asked_for_what_it_does_not_do(wire: Start) -> None:
    server = wire(lambda r: [])
    with pytest.raises(InvalidInputError, match=r"use image\(\)"):
        home(server).chat("x", "sd-3")
    with pytest.raises(InvalidInputError, match=r"use chat\(\)"):
        home(server).image("x", "gemma-2b")
    with pytest.raises(InvalidInputError):
        home(server).image(["x"])  # type: ignore[arg-type]
    assert server.requests == []


def test_the_one_call_form_gives_text_or_a_picture(wire: Start) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "user", "content": "a cat"}]
    options: Any = {"polling": QUICK, "retries": FAST}
    text = wire(Page({"status": "succeeded", "output": ["Hel", "lo"]}))
    assert (
        ReplicateHome.create_completion("gemma-2b", messages, base_url=text.origin, **options)
        == "Hello"
    )
    assert text.requests[0].json["input"]["prompt"] == "User: a\nUser: a cat\nAssistant:"
    picture = wire(Page({"status": "succeeded", "output": ["https://x/y.png"]}))
    image = ReplicateHome.create_completion("sd-3", messages, base_url=picture.origin, **options)
    assert isinstance(image, ImageOutput)
    assert image.prompt == picture.requests[0].json["input"]["prompt"] == "a cat"
    image = ReplicateHome.create_completion(
        "sd-3", messages, prompt="a dog", base_url=picture.origin, **options
    )
    assert isinstance(image, ImageOutput)
    assert image.prompt == "a dog"


def test_an_odd_content_type_is_no_hindrance_to_json(wire: Start) -> None:
    page = Page({"status": "succeeded", "output": "ok"})
    server = wire(
        lambda r: [page(r)[0].replace(b"text/plain;charset=utf-8", b"application/octet-stream")]
    )
    assert "".join(home(server).chat("x")) == "ok"
    assert json.loads(server.requests[0].body)["model"] == GEMMA
