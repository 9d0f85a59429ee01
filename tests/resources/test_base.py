"""Records keep what the API sent, and lists are lazy, over all pages, and stay on the base URL."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from wire import TOKEN, MakeClient, Request, StartWire, response

from replicate_sync import (
    InvalidInputError,
    Model,
    Replicate,
    ReplicateError,
    ResponseError,
    Version,
)
from replicate_sync.resources.webhooks import Secret

API = "https://api.replicate.com/v1"
MODEL = {
    "owner": "a",
    "name": "b",
    "url": "https://replicate.com/a/b",
    "run_count": 5,
    "brand_new": True,
    "latest_version": None,
}


# -- Records ---------------------------------------------------------------------------------------


def test_a_record_keeps_fields_that_it_does_not_know_and_does_without_missing_ones() -> None:
    model = Model.from_json(MODEL)
    assert (str(model), model.run_count) == ("a/b", 5)
    assert (model.is_official, model.description, model.latest_version) == (None, None, None)
    assert model.raw == MODEL
    assert not hasattr(model, "brand_new")


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_what_is_no_object_makes_an_empty_record(data: object) -> None:
    assert Model.from_json(data) == Model()


def test_a_record_is_compared_by_what_the_api_sent() -> None:
    assert Model.from_json(MODEL) == Model.from_json(dict(MODEL))
    assert Model.from_json(MODEL) != Model.from_json({**MODEL, "brand_new": False})
    assert Model() != Version()
    assert Model() != {}


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="Model is what the API sent, and cannot be changed"):
        Model().name = "c"
    with pytest.raises(TypeError):
        hash(Model())


def test_a_repr_has_what_people_look_for_and_no_secret() -> None:
    shown = repr(Model.from_json({**MODEL, "github_url": "https://github.example/x"}))
    assert shown.startswith("Model(owner='a', name='b', ")
    assert "run_count=5" in shown
    assert "github" not in shown
    assert repr(Secret.from_json({"key": "whsec_x"})) == "Secret()"


# -- Lists -----------------------------------------------------------------------------------------


def page(next_link: object, *items: object) -> dict[str, object]:
    return {"next": next_link, "previous": None, "results": list(items)}


@responses.activate
def test_a_list_is_lazy_and_ends_at_its_limit() -> None:
    on_page_2 = [responses.matchers.query_param_matcher({"cursor": "2"})]
    responses.get(f"{API}/models", json=page(f"{API}/models?cursor=2", MODEL, MODEL, MODEL))
    responses.get(f"{API}/models", json=page(None, MODEL, MODEL), match=on_page_2)
    models = Replicate("r8_x").models
    listed = models.list(limit=2)
    assert len(responses.calls) == 0
    assert len(list(listed)) == 2
    assert len(responses.calls) == 1
    assert len(list(models.list())) == 5
    assert list(models.list(limit=0)) == []


@pytest.mark.parametrize("limit", [-1, 1.5, "2", True])
def test_a_limit_that_is_no_number_of_items_is_refused_at_once(limit: Any) -> None:
    with pytest.raises(InvalidInputError, match="limit must be a number of items"):
        Replicate("r8_x").models.list(limit=limit)


@pytest.mark.parametrize(
    "link",
    [
        "{origin}/v1/models?cursor=a%3D%3D&sort_by=x",
        "https://api.replicate.com/v1/models?cursor=a%3D%3D&sort_by=x",
        "http://elsewhere.example/models?cursor=a%3D%3D&sort_by=x#end",
        "?cursor=a%3D%3D&sort_by=x",
        "http://[bad?cursor=a%3D%3D&sort_by=x",
    ],
)
def test_a_next_link_is_followed_on_the_base_url_by_its_query(
    wire: StartWire, client_of: MakeClient, link: str
) -> None:
    def reply(request: Request) -> list[Any]:
        if "cursor" in request.query:
            return [response(page(None, MODEL))]
        return [response(page(link.format(origin=server.origin), MODEL))]

    server = wire(reply)
    assert len(list(client_of(server).models.list(sort_by="x"))) == 2
    first, second = server.requests
    assert (first.path, first.query) == ("/v1/models", {"sort_by": "x"})
    assert (second.path, second.query) == ("/v1/models", {"cursor": "a==", "sort_by": "x"})
    for request in (first, second):
        assert request.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_search_goes_on_to_its_next_page_with_a_plain_get(
    wire: StartWire, client_of: MakeClient
) -> None:
    def reply(request: Request) -> list[Any]:
        link = "?cursor=2" if request.method == "QUERY" else None
        return [response(page(link, MODEL))]

    server = wire(reply)
    assert len(list(client_of(server).models.search("llama"))) == 2
    first, second = server.requests
    assert (first.method, first.body) == ("QUERY", b"llama")
    assert (second.method, second.body) == ("GET", b"")


@pytest.mark.parametrize("link", ["?cursor=1", "", None, 5])
def test_each_next_link_is_followed_once(
    wire: StartWire, client_of: MakeClient, link: object
) -> None:
    server = wire(lambda request: [response(page(link, MODEL))])
    expected = 2 if link == "?cursor=1" else 1
    assert len(list(client_of(server).models.list())) == expected


@pytest.mark.parametrize("data", [None, [], {}, {"results": None}, {"results": {}}])
def test_a_response_that_is_no_page_is_an_error(
    wire: StartWire, client_of: MakeClient, data: object
) -> None:
    server = wire(lambda request: [response(data)])
    with pytest.raises(ResponseError, match="is not a page of a list"):
        list(client_of(server).models.list())


def test_an_item_that_is_no_prediction_is_an_error_when_it_is_its_turn(
    wire: StartWire, client_of: MakeClient
) -> None:
    good = {"id": "p1", "status": "starting"}
    server = wire(lambda request: [response(page(None, good, {"id": "p2"}))])
    listed = client_of(server).predictions.list()
    assert next(listed).id == "p1"
    with pytest.raises(ReplicateError, match="not a prediction with an id and a status"):
        next(listed)
