"""Lists are fetched page by page, on the configured base URL and nowhere else."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from wire import TOKEN, MakeClient, Request, StartWire, response

from replicate_sync import (
    ConnectionFailed,
    InvalidInputError,
    ResponseError,
    Retries,
    ServerError,
)
from replicate_sync.http.pagination import iterate_pages, validate_limit
from replicate_sync.http.request import Content

PREDICTION = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}


def test_a_list_is_fetched_as_it_is_read(wire: StartWire, client_of: MakeClient) -> None:
    def respond(request: Request) -> list[bytes]:
        if not request.query:
            next_page = f"{server.url}/predictions?cursor=2"
            return [response({"next": next_page, "results": [PREDICTION]})]
        return [response({"next": None, "results": [{**PREDICTION, "id": "p2"}]})]

    server = wire(respond)
    listed = client_of(server).predictions.list()
    assert server.requests == []
    assert next(listed).id == "p1"
    assert len(server.requests) == 1
    assert [prediction.id for prediction in listed] == ["p2"]
    assert [(r.path, r.query) for r in server.requests] == [
        ("/v1/predictions", {}),
        ("/v1/predictions", {"cursor": "2"}),
    ]


def test_a_link_to_another_host_is_followed_on_the_configured_base_by_its_query(
    wire: StartWire, client_of: MakeClient
) -> None:
    other = wire(lambda r: [response({"results": []})])

    def respond(request: Request) -> list[bytes]:
        next_page = f"{other.url}/elsewhere?cursor=a%26b&empty="
        if "cursor" in request.query:
            return [response({"next": "", "results": [{**PREDICTION, "id": "p2"}]})]
        return [response({"next": next_page, "results": [PREDICTION]})]

    gateway = wire(respond)
    listed = list(client_of(gateway).predictions.list(source="web"))
    assert len(listed) == 2
    assert other.requests == []
    first, second = gateway.requests
    assert (first.path, first.query) == ("/v1/predictions", {"source": "web"})
    assert (second.path, second.query) == ("/v1/predictions", {"cursor": "a&b", "empty": ""})
    assert second.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_link_is_followed_once(wire: StartWire, transport_of: Any) -> None:
    pages = iter([[1], [2]])
    server = wire(lambda r: [response({"next": "/v1/x?cursor=1", "results": next(pages)})])
    assert list(iterate_pages(transport_of(server), "/x")) == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("items", [[], [1, 2]], ids=["empty", "repeated"])
def test_pages_without_an_end_that_bring_nothing_new_are_an_error(
    wire: StartWire, transport_of: Any, items: list[int]
) -> None:
    numbers = itertools.count()
    server = wire(lambda r: [response({"next": f"?cursor={next(numbers)}", "results": items})])
    seen: list[Any] = []
    transport = transport_of(server, retries=Retries(attempts=1))
    with pytest.raises(ResponseError, match="a list that ends"):
        for item in iterate_pages(transport, "/x"):
            seen.append(item)  # extend would keep none of them
    assert seen == items * 100
    assert len(server.requests) == 101 - (not items)


def test_empty_pages_between_others_are_passed_over(wire: StartWire, transport_of: Any) -> None:
    pages = [[1], [], [2], [], [], [3]]

    def respond(request: Request) -> list[bytes]:
        number = int(request.query.get("cursor", "0"))
        next_page = f"?cursor={number + 1}" if number + 1 < len(pages) else None
        return [response({"next": next_page, "results": pages[number]})]

    assert list(iterate_pages(transport_of(wire(respond)), "/x")) == [1, 2, 3]


def test_for_a_caller_who_leaves_all_pages_together_have_one_time_limit(
    wire: StartWire, transport_of: Any
) -> None:
    numbers = itertools.count()

    def respond(request: Request) -> list[Any]:
        number = next(numbers)
        return [0.02, response({"next": f"?cursor={number}", "results": [number]})]

    started = time.monotonic()
    with pytest.raises(ConnectionFailed):
        list(iterate_pages(transport_of(wire(respond)), "/x", single_attempt=0.1))
    assert time.monotonic() - started < 0.5


def test_a_search_has_a_body_only_on_its_first_page(wire: StartWire, transport_of: Any) -> None:
    def respond(request: Request) -> list[bytes]:
        if request.query:
            return [response({"next": None, "results": [2]})]
        return [response({"next": "?cursor=1", "results": [1]})]

    server = wire(respond)
    content = Content(b"rivers", "text/plain")
    pages = iterate_pages(transport_of(server), "/models", method="QUERY", content=content)
    assert list(pages) == [1, 2]
    assert [(r.method, r.body) for r in server.requests] == [("QUERY", b"rivers"), ("GET", b"")]
    assert server.requests[0].headers["content-type"] == "text/plain"


@pytest.mark.parametrize("page", [[], {}, {"results": {}}, {"results": None}, "x", None])
def test_what_is_no_page_is_an_error(wire: StartWire, transport_of: Any, page: Any) -> None:
    transport = transport_of(wire(lambda r: [response(page)]), retries=Retries(attempts=1))
    with pytest.raises(ResponseError, match="is not a page of a list") as raised:
        list(iterate_pages(transport, "/x"))
    assert raised.value.response.json() == page


def test_a_page_is_fetched_once_for_a_caller_who_leaves(wire: StartWire, transport_of: Any) -> None:
    def respond(request: Request) -> list[bytes]:
        if request.query:
            return [response({}, 500)]
        return [response({"next": "?cursor=1#top", "results": [1]})]

    server = wire(respond)
    pages = iterate_pages(transport_of(server), "/x", single_attempt=1.0)
    assert next(pages) == 1
    with pytest.raises(ServerError):
        next(pages)
    assert [(r.method, r.query) for r in server.requests] == [("GET", {}), ("GET", {"cursor": "1"})]


def test_a_query_may_have_a_question_mark_in_it(wire: StartWire, transport_of: Any) -> None:
    def respond(request: Request) -> list[bytes]:
        if request.query:
            return [response({"next": None, "results": [2]})]
        return [response({"next": "/v1/x?cursor=a?b", "results": [1]})]

    server = wire(respond)
    assert list(iterate_pages(transport_of(server), "/x")) == [1, 2]
    assert server.requests[1].query == {"cursor": "a?b"}


@pytest.mark.parametrize("link", [None, "", 5, {"a": 1}])
def test_what_is_no_link_ends_the_list(wire: StartWire, transport_of: Any, link: Any) -> None:
    transport = transport_of(wire(lambda r: [response({"next": link, "results": [1]})]))
    assert list(iterate_pages(transport, "/x")) == [1]


@pytest.mark.parametrize("limit", [None, 0, 1, 10**9])
def test_a_limit_is_a_number_of_items(limit: int | None) -> None:
    assert validate_limit(limit) == limit


@pytest.mark.parametrize("limit", [-1, True, 1.5, "3"])
def test_what_is_no_limit_is_refused_before_anything_is_sent(
    wire: StartWire, client_of: MakeClient, limit: Any
) -> None:
    server = wire(lambda r: [])
    with pytest.raises(InvalidInputError, match="limit must be a number of items"):
        client_of(server).predictions.list(limit=limit)
    assert server.requests == []


def test_no_more_pages_are_fetched_than_the_limit_needs(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response({"next": "?cursor=2", "results": [PREDICTION] * 3})])
    assert len(list(client_of(server).predictions.list(limit=3))) == 3
    assert len(server.requests) == 1
    assert list(client_of(server).predictions.list(limit=0)) == []
    assert len(server.requests) == 1
