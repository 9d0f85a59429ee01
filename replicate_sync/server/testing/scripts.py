"""Scripts: models that do what a test says, whatever their input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .. import job_context, schemas
from ..models import Model
from ..schemas import Schema

_RESTRICTIONS = ("enum", "minimum", "maximum")


class ScriptedFailure(Exception):
    """The error of a prediction that a script lets fail."""


@dataclass(frozen=True)
class Script:
    """What a model does; `LocalServer.script` describes the parameters.

    Raises:
        ValueError: There are both an output and tokens, or the tokens are one string.
    """

    output: object
    tokens: Iterable[str] | None
    fail: str | None
    delay: float
    logs: str
    metrics: Mapping[str, object]

    def __post_init__(self) -> None:
        if self.tokens is not None and self.output is not None:
            raise ValueError("A script has an output, or tokens to stream, and not both.")
        if isinstance(self.tokens, str):
            raise ValueError(
                'Tokens are a list of strings, such as ["Hel", "lo"], and not one string.'
            )

    def begin(self) -> None:
        """Log the logs, and set the metrics."""
        if self.logs:
            job_context.log(self.logs)
        for name, value in self.metrics.items():
            job_context.metric(name, value)

    def end(self) -> None:
        """Raise the failure, if there is one."""
        if self.fail is not None:
            raise ScriptedFailure(self.fail)


def scripted_model(name: str, known: Model | None, script: Script) -> Model:
    """Return the model that follows a script.

    Args:
        name: `owner/name`.
        known: The model that it replaces, whose version and inputs it keeps, or None.
        script: What it does.

    Raises:
        ValueError: The name is not `owner/name`.
    """
    function: Callable[..., object]
    if script.tokens is None:
        function = _returning(script)
        output = schemas.schema_of(script.output) | {"title": "Output"}
    else:
        function = _streaming(script, list(script.tokens))
        output = schemas.TEXT_STREAM
    if known is None:
        digest = hashlib.sha256(json.dumps([name, "script"]).encode()).hexdigest()
        return Model(name, function, digest, None, _input_schema({}), output)
    return Model(
        name=name,
        function=function,
        version=known.version,
        description=known.description,
        input=_input_schema(known.input["properties"]),
        output=output,
        trainer=known.trainer,
    )


def _returning(script: Script) -> Callable[..., object]:
    def run(**_: object) -> object:
        script.begin()
        job_context.sleep(script.delay)
        script.end()
        return script.output

    return run


def _streaming(script: Script, tokens: list[str]) -> Callable[..., Iterator[str]]:
    def run(**_: object) -> Iterator[str]:
        script.begin()
        for token in tokens:
            job_context.sleep(script.delay)
            yield token
        script.end()

    return run


def _input_schema(properties: Mapping[str, Schema]) -> Schema:
    # Clients use the schema, for the name of the prompt for example, so it stays; the restrictions
    # go, since a script accepts any input.
    kept = {}
    for name, prop in properties.items():
        kept[name] = {key: value for key, value in prop.items() if key not in _RESTRICTIONS}
    return {"type": "object", "title": "Input", "properties": kept, "additionalProperties": True}
