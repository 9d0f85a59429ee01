"""An unknown model is an error that names the models which were perhaps meant."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, Wire, response

from replicate_sync import ModelNotFoundError, Replicate, UnknownModelError
from replicate_sync.offline import LocalReplicate

MISSING = response({"detail": "The requested resource could not be found.", "status": 404}, 404)
NEAR = "Did you mean 'meta/meta-llama-3-8b'"

Call = Callable[[Replicate, str], Any]


def found(*names: str) -> bytes:
    """Return what the API's search responds."""
    models = []
    for full_name in names:
        owner, _, name = full_name.partition("/")
        models.append({"model": {"owner": owner, "name": name}, "metadata": {"score": 0.5}})
    return response({"query": "", "models": models, "collections": [], "pages": []})


class Api:
    """An API that knows no model, and finds some."""

    def __init__(self, *search: Any) -> None:
        self.search = search

    def __call__(self, request: Request) -> Any:
        return self.search if request.path == "/v1/search" else [MISSING]


def searches(server: Wire) -> list[Request]:
    return server.seen("GET", "/v1/search")


@pytest.mark.parametrize(
    "call",
    [
        lambda c, name: c.run(name),
        lambda c, name: list(c.stream(name)),
        lambda c, name: list(c.chat("hi", name)),
        lambda c, name: c.predictions.create(name),
        lambda c, name: c.models.get(name),
        lambda c, name: c.models.inputs(name),
        lambda c, name: c.models.update(name, description="x"),
        lambda c, name: c.models.delete(name),
        lambda c, name: c.models.readme.get(name),
        lambda c, name: list(c.models.examples.list(name)),
        lambda c, name: list(c.models.versions.list(name)),
        lambda c, name: c.models.versions.get(f"{name}:v1"),
        lambda c, name: c.models.versions.delete(f"{name}:v1"),
        lambda c, name: c.use(name),
        lambda c, name: list(c.conversation(name).send("hi")),
        lambda c, name: c.chat("hi", name, schema={"type": "object"}),
    ],
)
def test_the_nearest_that_the_search_finds_are_named_after_one_request(
    call: Call, wire: StartWire, client_of: MakeClient
) -> None:
    names = ("stability-ai/sdxl", "meta/meta-llama-3-8b", "meta/llama-2-7b")
    server = wire(Api(found(*names)))
    client = client_of(server)
    for _ in range(2):
        with pytest.raises(UnknownModelError) as raised:
            call(client, "meta/lama-3-8b")
        assert raised.value.hint.endswith(f"{NEAR} or 'meta/llama-2-7b'?")
    [search] = searches(server)
    assert search.query["query"] == "meta lama 3 8b"


def test_a_map_searches_once_for_all_its_inputs(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(Api(found("meta/meta-llama-3-8b")))
    errors = list(client_of(server).map("meta/lama-3-8b", [{}] * 4, on_error="return"))
    assert all(error.hint.endswith(f"{NEAR}?") for error in errors)
    assert len(searches(server)) == 1


def test_a_training_names_them_too_and_says_that_its_destination_must_exist(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(Api(found("ostris/flux-dev-lora-trainer")))
    create = client_of(server).trainings.create
    with pytest.raises(UnknownModelError) as raised:
        create("ostris/flux-lora-trainer:v1", destination="me/mine")
    assert "Did you mean 'ostris/flux-dev-lora-trainer'?" in raised.value.hint
    assert "The destination 'me/mine' must exist too" in raised.value.hint
    assert len(searches(server)) == 1


def test_a_model_is_not_named_for_itself(wire: StartWire, client_of: MakeClient) -> None:
    versions = client_of(wire(Api(found("meta/llama-2-7b")))).models.versions
    with pytest.raises(UnknownModelError, match="There is a model 'meta/llama-2-7b', without what"):
        versions.get("meta/llama-2-7b:v1")


def test_a_model_of_another_owner_is_named(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(Api(found("black-forest-labs/flux-schnell")))
    with pytest.raises(UnknownModelError, match="'black-forest-labs/flux-schnell'"):
        client_of(server).run("flux/flux-schnel")


@pytest.mark.slow
@pytest.mark.parametrize(
    "search",
    [
        [MISSING],
        [response(b"not JSON")],
        [response([])],
        [response({"models": [1, {"model": None}]})],
        [response({"detail": "Search service error"}, 500)],
        [found("stability-ai/sdxl")],
    ],
)
def test_a_search_that_finds_nothing_like_it_changes_nothing(
    search: list[bytes], wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(Api(*search))
    with pytest.raises(UnknownModelError, match="check the spelling of 'meta/lama-3-8b'"):
        client_of(server).run("meta/lama-3-8b")
    assert len(searches(server)) == 1


@pytest.mark.slow
def test_a_silent_search_does_not_delay_the_error_beyond_the_calls_time(
    wire: StartWire, client_of: MakeClient
) -> None:
    client = client_of(wire(Api(5.0)))
    start = time.monotonic()
    with pytest.raises(UnknownModelError, match="check the spelling"):
        client.run("meta/lama-3-8b", deadline=0.3)
    assert time.monotonic() - start < 2


def test_the_local_server_finds_them_as_well_and_the_traceback_is_short() -> None:
    with LocalReplicate() as client, pytest.raises(ModelNotFoundError) as raised:
        client.run("blackforest-labs/flux-shnell", {"prompt": "x"})
    assert "Did you mean 'black-forest-labs/flux-schnell'" in str(raised.value)
    lines = traceback.format_exception(raised.value)
    assert len("".join(lines).splitlines()) < 25
    assert len([line for line in lines if line.startswith("Traceback")]) == 1
