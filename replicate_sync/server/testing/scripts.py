"""Scripts: models that do what a test says, whatever they are given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from .. import job_context, schemas
from ..models import Model
from ..schemas import Schema


def model(
    name: str,
    known: Model | None,
    *,
    output: Any,
    tokens: Iterable[str] | None,
    fail: str | None,
    delay: float,
    logs: str,
    metrics: Mapping[str, Any] | None,
) -> Model:
    """Give the model that follows a script, as `LocalServer.script` describes it; `known` is the one it stands in for.

    Raises ValueError where the script says two things.
    """
    if tokens is not None and output is not None:
        raise ValueError("A script has an output, or tokens to stream, and not both.")
    if isinstance(tokens, str):
        raise ValueError('Tokens are a list of strings, such as ["Hel", "lo"], and not one string.')
    pieces = None if tokens is None else list(tokens)

    def begin() -> None:
        if logs:
            job_context.log(logs)
        for key, value in (metrics or {}).items():
            job_context.metric(key, value)

    def end() -> None:
        if fail is not None:
            raise Failed(fail)

    def whole(**_: Any) -> Any:
        begin()
        job_context.pause(delay)
        end()
        return output

    def streamed(**_: Any) -> Any:
        begin()
        for piece in pieces or ():
            job_context.pause(delay)
            yield piece
        end()

    made = schemas.TEXT_STREAM if pieces is not None else schemas.of(output) | {"title": "Output"}
    given = _input(known)
    digest = hashlib.sha256(json.dumps([name, "script"]).encode()).hexdigest()
    return Model(
        name=name,
        function=whole if pieces is None else streamed,
        version=known.version if known else digest,
        description=known.description if known else None,
        input=given,
        output=made,
        trainer=known.trainer if known else None,
    )


class Failed(Exception):
    """A script said that the prediction fails."""


def _input(known: Model | None) -> Schema:
    # What clients read from the schema stays, such as the name of the prompt; what it would refuse goes.
    properties = known.input["properties"] if known else {}
    told = {
        name: {key: value for key, value in prop.items() if key not in ("enum", "minimum", "maximum")}
        for name, prop in properties.items()
    }
    return {"type": "object", "title": "Input", "properties": told, "additionalProperties": True}
