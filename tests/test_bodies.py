"""A long JSON output is given as it came, and a file in one is found all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from replicate_sync import FileOutput, Replicate, outputs
from replicate_sync.bodies import LONG, Plain, marked

FILE = "https://replicate.delivery/x/out.png"
BESIDE = {"id": "p1", "status": "succeeded", "model": "a/b", "version": "v", "urls": {"get": "https://api.replicate.com/x"}}


@pytest.mark.parametrize(
    ("output", "plain"),
    [
        ({"boxes": [[1.5, 2]]}, True),
        ([[1.5, 2], None, True], True),
        ([{"text": "a http://link inside"}], True),
        ({"file": FILE}, False),
        (["data:image/png;base64,AA=="], False),
        ({"deep": [{"deeper": [FILE]}]}, False),
        ('he said "http"', False),
    ],
)
@pytest.mark.parametrize("beside", [{}, {"input": {"image": FILE}}, {"input": {"image": "data:,x", "n": [FILE, FILE]}}])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_it_is_told_by_the_bytes_whether_a_file_can_be_in_an_output(
    output: Any, plain: bool, beside: dict[str, Any], separators: tuple[str, str]
) -> None:
    value = {**BESIDE, **beside, "output": output}
    found = marked(value, json.dumps(value, separators=separators).encode())
    assert found == value
    assert isinstance(found, Plain) == plain
    assert getattr(found, "wordless", False) == ('"' not in json.dumps(output))


@pytest.mark.parametrize("output", [["a"], {"file": FILE}])
def test_quotes_that_a_writer_spells_as_numbers_do_not_hide_an_output(output: Any) -> None:
    value = {**BESIDE, "input": {"prompt": 'see "http://x"'}, "output": output}
    body = json.dumps(value).replace('\\"', "\\u0022").encode()
    assert json.loads(body) == value
    assert type(marked(value, body)) is dict


def test_what_is_no_prediction_stays_what_it_is() -> None:
    assert marked([FILE], b"[]") == [FILE]
    assert type(marked({"results": []}, b"{}")) is dict


@responses.activate
@pytest.mark.parametrize("output", [[{"n": n} for n in range(9000)], {"rows": [[0.5] * 99] * 200}, [0.25] * 20000])
def test_a_long_output_without_files_is_not_walked_through(output: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(json.dumps(output)) > LONG
    responses.post("https://api.replicate.com/v1/predictions", json={**BESIDE, "output": output}, status=201)
    monkeypatch.setattr(outputs, "_looks_like_file", None)  # it is not called
    assert Replicate("r8_x").run("a/b:v", {}) == output


@responses.activate
def test_a_file_in_a_long_output_is_found() -> None:
    output = {"rows": list(range(20000)), "mask": FILE}
    responses.post("https://api.replicate.com/v1/predictions", json={**BESIDE, "output": output}, status=201)
    responses.get("https://api.replicate.com/v1/models/a/b/versions/v", json={"id": "v"})
    found = Replicate("r8_x").run("a/b:v", {})
    assert isinstance(found["mask"], FileOutput)
    assert found["rows"] == output["rows"]


@responses.activate
def test_a_long_list_of_pieces_is_still_one_text() -> None:
    output = ["word "] * 20000
    responses.post("https://api.replicate.com/v1/predictions", json={**BESIDE, "output": output}, status=201)
    responses.get("https://api.replicate.com/v1/models/a/b/versions/v", json={"id": "v"})
    assert Replicate("r8_x").run("a/b:v", {}) == "word " * 20000
