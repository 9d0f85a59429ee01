"""Functions become models."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from replicate_sync import server
from replicate_sync.server import LocalServer

TEXT_STREAM = {
    "type": "array",
    "items": {"type": "string"},
    "title": "Output",
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}


def schema(call: Any, name: str) -> dict[str, Any]:
    return call.get(f"/v1/models/{name}").json()["latest_version"]["openapi_schema"]["components"][
        "schemas"
    ]


def test_anything_that_can_be_called_can_be_a_model(local: LocalServer, call: Any) -> None:
    class Greeter:
        greeting = "hi"

        def __call__(self, name: str) -> Iterator[str]:
            yield f"{self.greeting} {name}"

        def greet(self, name: str = "all") -> str:
            return f"{self.greeting} {name}"

    local.model("me/object")(Greeter())
    local.model("me/method")(Greeter().greet)
    local.model("me/partial")(functools.partial(Greeter().greet, name="you"))
    local.model("me/builtin")(dict)
    assert schema(call, "me/object")["Output"] == TEXT_STREAM
    assert call.run("me/object", {"name": "you"})["output"] == ["hi you"]
    assert call.run("me/method")["output"] == "hi all"
    assert call.run("me/partial")["output"] == "hi you"
    assert call.run("me/builtin", {"a": 1})["output"] == {"a": 1}


def test_any_name_is_taken_by_a_function_that_takes_any(local: LocalServer, call: Any) -> None:
    local.model("me/any")(lambda **inputs: inputs)
    assert call.run("me/any", {"x": 1, "y": [2]})["output"] == {"x": 1, "y": [2]}


def test_a_registered_function_stays_a_function(local: LocalServer) -> None:
    @local.model("me/same")
    def same(x: int) -> int:
        return x + 1

    assert same(1) == 2
    with pytest.raises(ValueError, match="owner/name"):
        local.model("nameless")


def test_a_model_of_the_module_is_on_every_server(local: LocalServer, call: Any) -> None:
    try:
        server.model("me/everywhere")(lambda: "here")
        assert call.run("me/everywhere")["output"] == "here"
    finally:
        server.everywhere.remove("me/everywhere")


def test_a_model_of_one_server_is_on_no_other(local: LocalServer, call: Any) -> None:
    with LocalServer() as other:
        other.model("me/theirs")(lambda: "there")
        assert call.get("/v1/models/me/theirs").status_code == 404


def test_a_version_follows_from_name_and_schemas(local: LocalServer) -> None:
    def version(name: str, function: Any) -> str:
        local.model(name)(function)
        found = local.models.get(name)
        assert found is not None
        assert len(found.version) == 64
        return found.version

    assert version("me/a", lambda x: x) == version("me/a", lambda x: x * 2)
    assert (
        len(
            {
                version("me/a", lambda x: x),
                version("me/b", lambda x: x),
                version("me/a", lambda y: y),
            }
        )
        == 3
    )


@pytest.mark.slow
def test_stand_ins_are_listed_by_their_registration_whichever_is_read_first() -> None:
    program = """
        from concurrent.futures import ThreadPoolExecutor
        from replicate_sync.server import Registry, everywhere

        own = Registry(everywhere)
        own.model("me/own")(lambda: "own")
        with ThreadPoolExecutor(8) as pool:
            lists = list(pool.map(lambda _: own.all(), range(8)))
        assert all(models == lists[0] for models in lists)
        print(*(model.name for model in lists[0]))
    """
    read_first = 'everywhere.get("meta/llama-2-7b")\n        own ='
    names = _run(program)
    assert names == _run(program.replace("own =", read_first, 1))
    assert names[0] == "me/own"
    assert names[-1] == "meta/meta-llama-3-70b-instruct"
    assert len(set(names)) == len(names) > 10


def _run(program: str) -> list[str]:
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
