"""Records have the operations that belong to them, and lists show themselves."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from replicate_sync import (
    Collection,
    Deployment,
    InvalidInputError,
    Model,
    ModelNotFoundError,
    Replicate,
    Version,
    local,
)
from replicate_sync.offline import LocalReplicate
from replicate_sync.resources.pages import Pages


@pytest.fixture(scope="module")
def client() -> Iterator[LocalReplicate]:
    with local() as client:
        client.server.model("me/double", official=False)(double)
        yield client


def double(number: int) -> int:
    return 2 * number


def create(client: Replicate, **which: Any) -> Any:
    return client.predictions.create(input={"number": 4}, wait=True, **which).result()


def test_create_takes_a_model_a_version_and_their_names(client: Replicate) -> None:
    model = client.models.get("me/double")
    version = model.latest_version
    assert version is not None
    for which in (
        {"model": "me/double"},
        {"model": model},
        {"model": version},
        {"version": version},
        {"version": version.id},
        {"version": f"me/double:{version.id}"},
    ):
        assert create(client, **which) == 8
    assert client.run(model, {"number": 3}) == 6


@pytest.mark.slow
def test_create_takes_a_deployment_and_its_name(client: Replicate) -> None:
    version = client.models.get("me/double").latest_version
    assert version is not None
    deployment = client.deployments.create(
        name="fast",
        model="me/double",
        version=str(version),
        hardware="cpu",
        min_instances=0,
        max_instances=1,
    )
    for which in (deployment, "local/fast"):
        assert create(client, deployment=which) == 8
        created = client.deployments.predictions.create(which, {"number": 5}, wait=True)
        assert created.result() == 10
    assert deployment.predictions.create({"number": 6}).result() == 12
    assert client.run(deployment, {"number": 7}) == 14
    assert client.use(deployment)(number=8) == 16
    with pytest.raises(InvalidInputError, match="did you mean 'number'"):
        client.use("deployments/local/fast")(numbr=8)
    assert deployment.update(max_instances=2).current_release["number"] == 2
    deployment.delete()
    assert "fast" not in [one.name for one in client.deployments.list()]


@pytest.mark.parametrize(
    "which", [{}, {"model": "a/b", "version": "c" * 64}, {"model": "a/b", "deployment": "a/b"}]
)
def test_create_needs_one_of_them(client: Replicate, which: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="Give one of"):
        create(client, **which)


@pytest.mark.slow
def test_a_model_has_its_versions_predictions_examples_and_readme(client: Replicate) -> None:
    model = client.models.get("me/double")
    [version] = model.versions.list()
    assert model.versions.get(str(version)) == version
    assert version.predictions.create({"number": 1}).result() == 2
    assert model.predictions.create({"number": 2}).result() == 4
    assert list(model.examples()) == list(client.models.examples.list("me/double"))
    described = client.models.create("local/described", visibility="private", hardware="cpu")
    client.models.update("local/described", readme="# Hi")
    assert described.readme() == "# Hi"


def test_what_was_created_is_deleted_by_its_record(client: Replicate) -> None:
    model = client.models.create("local/brief", visibility="private", hardware="cpu")
    model.delete()
    with pytest.raises(ModelNotFoundError):
        client.models.get("local/brief")


def test_a_collection_is_the_list_of_its_models(client: Replicate) -> None:
    collection = client.collections.get("text-models")
    assert list(collection) == list(collection.models)
    assert len(collection) == len(list(collection)) > 0
    assert next(iter(collection[0].versions.list())).id


def test_what_a_search_finds_has_its_methods(client: Replicate) -> None:
    [model] = [one for one in client.search("hello").models if one.name == "hello-world"]
    assert model.predictions.create({"text": "x"}).result() == "hello x"


@pytest.mark.parametrize(
    "method",
    [
        lambda: Model.from_json({"owner": "a", "name": "b"}).versions,
        lambda: Deployment.from_json({"owner": "a", "name": "b"}).predictions,
        lambda: Version.from_json({"id": "c" * 64}).predictions,
        lambda: Collection.from_json({"models": [{"owner": "a"}]})[0].delete(),
    ],
)
def test_a_record_that_comes_from_no_client_says_so(method: Callable[[], object]) -> None:
    with pytest.raises(InvalidInputError, match="can only be read"):
        method()


def test_a_pickled_record_carries_no_token() -> None:
    with local(token="r8_very_secret") as client:
        model = client.models.get("replicate/hello-world")
    content = pickle.dumps(model)
    assert b"r8_very_secret" not in content
    copy = pickle.loads(content)
    assert copy == model
    with pytest.raises(InvalidInputError, match="can only be read"):
        _ = copy.versions


@pytest.mark.parametrize("name", ["", "nobody", "a/b/c", 5])
def test_a_bad_name_is_a_value_error_too(client: Replicate, name: Any) -> None:
    with pytest.raises(ValueError, match="does not name a model"):
        client.run(name)


def pages_of(*pages: list[int], limit: int | None = None) -> tuple[Pages[str], list[str]]:
    """Return a list of numbers, and the links that are followed."""
    from replicate_sync.http.pagination import RawPage

    followed: list[str] = []

    def fetch(link: str = "0") -> RawPage:
        followed.append(link)
        number = int(link)
        rest = str(number + 1) if number + 1 < len(pages) else ""
        return RawPage(list(pages[number]), rest, "")

    return Pages(fetch, fetch, str, limit, "/numbers"), followed


def test_pages_are_fetched_when_they_are_needed_and_once() -> None:
    pages, followed = pages_of([1, 2], [3], [4])
    assert followed == []
    assert bool(pages)
    assert "not fetched yet" in repr(pages)
    assert followed == []
    assert list(pages.first_page()) == ["1", "2"]
    assert (next(pages), next(pages), next(pages)) == ("1", "2", "3")
    assert followed == ["0", "1"]
    assert list(pages) == ["4"]
    assert followed == ["0", "1", "2"]


def test_the_length_is_known_where_all_is_on_one_page() -> None:
    assert len(pages_of([1, 2, 3])[0]) == 3
    assert len(pages_of([1, 2], [3], limit=2)[0]) == 2
    assert len(pages_of([1], limit=0)[0]) == 0
    with pytest.raises(TypeError, match="its first page has 2 items, and there are more"):
        len(pages_of([1, 2], [3])[0])


def test_a_list_of_many_pages_becomes_a_list() -> None:
    assert list(pages_of([1, 2], [3], [4])[0]) == ["1", "2", "3", "4"]
    assert list(pages_of([1, 2], [3], [4], limit=3)[0]) == ["1", "2", "3"]


def test_pages_show_themselves() -> None:
    pages, _ = pages_of([1, 2], [3])
    first = pages.first_page()
    assert (first[0], first[-1], first[:1], len(first), first.next) == ("1", "2", ["1"], 2, "1")
    assert repr(first) == "Page(['1', '2'])"
    assert repr(pages) == "<numbers: ['1', '2', …]>"
    assert "<li>1</li>" in pages._repr_html_()
    assert "There are more" in pages._repr_html_()


def test_the_hardware_is_a_list_as_any_other(client: Replicate) -> None:
    hardware = client.hardware.list()
    assert len(hardware) == len(hardware.first_page()) == len(list(hardware))
    assert json.dumps([one.raw for one in client.hardware.list()])
