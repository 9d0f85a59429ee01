"""Between Cog's schemas and values and the server's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replicate_sync.server.cog.conversion import parse_document, parse_output, raise_for_urls
from replicate_sync.server.job_context import Failed

INPUT = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "mode": {"allOf": [{"$ref": "#/components/schemas/mode"}], "default": "a"},
    },
}


PNG = "data:image/png;base64,iVBORw=="


def document(output: dict[str, Any]) -> dict[str, Any]:
    return {
        "components": {
            "schemas": {
                "Input": INPUT,
                "Output": output,
                "mode": {"type": "string", "enum": ["a", "b"]},
            }
        }
    }


def test_references_of_a_schema_are_resolved() -> None:
    given, made = parse_document(document({"$ref": "#/components/schemas/mode"}))
    assert given["properties"]["mode"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert made == {"type": "string", "enum": ["a", "b"], "title": "Output"}


def test_a_text_that_looks_like_a_file_stays_a_text() -> None:
    assert parse_output(PNG, {"type": "string"}) == PNG
    assert parse_output(PNG, {"type": "string", "format": "uri"}).read() == b"\x89PNG"
    assert parse_output("data:,a%20b", {}).read() == b"a b"
    assert parse_output("data:;base64,not base64", {}) == "data:;base64,not base64"
    assert (
        parse_output("https://example.com/x.png", {"format": "uri"}) == "https://example.com/x.png"
    )


def test_a_file_that_is_still_a_url_is_not_left_to_cog() -> None:
    raise_for_urls({"image": Path("a.png"), "text": "http://x"}, ["image", "mask"])
    for value in ("http://169.254.169.254/", [Path("a.png"), "https://example.com/b.png"]):
        with pytest.raises(Failed, match="file_hosts"):
            raise_for_urls({"image": value}, ["image"])
