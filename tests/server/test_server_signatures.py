"""The signature of a function is read as far as it can be."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from replicate_sync.server.schemas import input_schema


@pytest.mark.skipif(sys.version_info < (3, 14), reason="it cannot be defined before Python 3.14")
def test_an_annotation_that_cannot_be_evaluated_spoils_no_other() -> None:
    namespace: dict[str, Any] = {}
    source = "def greet(prompt: str, picture: Missing, count: int = 3) -> str: ..."
    exec(compile(source, "greet.py", "exec", dont_inherit=True), namespace)
    properties = input_schema(namespace["greet"])["properties"]
    assert list(properties) == ["prompt", "picture", "count"]
    assert properties["count"]["type"] == "integer"
