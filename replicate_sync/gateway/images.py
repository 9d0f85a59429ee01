"""`/v1/images/generations`: pictures, as URLs or as base64."""

from __future__ import annotations

import base64
import math
import re
import time
from collections.abc import Iterator
from typing import Any

from .. import refs
from ..payloads.file_output import FileOutput
from ..payloads.input_schema import Input, Inputs
from ..payloads.schemas import OutputSchema
from .errors import GatewayError
from .operation import Operation
from .predictions import first_input, model_schema, run
from .request_body import field, json_body, required_text
from .work import Work, result_of

_COUNT_INPUTS = ("num_outputs", "number_of_images", "num_images", "n")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_MAX_COUNT = 10
# Fields that are not inputs of a model.
_OWN_FIELDS = frozenset(
    {"model", "n", "partial_images", "prompt", "response_format", "size", "user"}
)
# Fields of OpenAI's that are sent with these values to say nothing.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "background": ("auto",),
    "moderation": ("auto",),
    "quality": ("auto", "standard"),
    "stream": (False,),
    "style": ("vivid",),
}


class Images(Operation):
    """Pictures by OpenAI's protocol."""

    def create(self) -> dict[str, Any]:
        """Respond to the present request."""
        body = json_body()
        name = str(body.get("model") or self._client.default_image_model)
        ref = self._models.resolve(name)
        required_text(body, "prompt")
        count = field(body, "n", int)
        if count is None:
            count = 1
        if not 1 <= count <= _MAX_COUNT:
            raise GatewayError(400, f"'n' must be 1 to {_MAX_COUNT}.", param="n")
        kind = body.get("response_format") or "url"
        if kind not in ("url", "b64_json"):
            raise GatewayError(
                400, "'response_format' must be 'url' or 'b64_json'.", param="response_format"
            )

        def draw(work: Work) -> dict[str, Any]:
            schema = model_schema(self._client, ref)
            if not _draws(schema.output):
                raise GatewayError(
                    400, f"{ref} draws nothing: it returns {schema.output_description}."
                )
            inputs = schema.inputs
            given = _image_input(body, inputs, ref)
            pictures = self._draw(ref, given, inputs, count, work)
            data = [_picture(file, as_url=kind == "url") for file in pictures]
            return {"created": int(time.time()), "data": data}

        return result_of(draw)

    def _draw(
        self, ref: refs.ModelRef, given: dict[str, Any], inputs: Inputs, count: int, work: Work
    ) -> list[FileOutput]:
        """Return pictures, of as many predictions as it takes."""
        name = next((name for name in _COUNT_INPUTS if name in inputs), None)
        pictures: list[FileOutput] = []
        while len(pictures) < count:
            missing = count - len(pictures)
            if name is not None:
                most = inputs[name].maximum or missing
                given = {**given, name: min(missing, int(most))}
            prediction = run(self._client, ref, given, work)
            drawn = list(_files(prediction.parse_output()))
            if not drawn:
                raise GatewayError(500, f"{ref} returned no picture.", "server_error")
            pictures += drawn
        return pictures[:count]


def _draws(output: OutputSchema) -> bool:
    """Return whether there may be files in an output."""
    if output.type == "array":
        return _draws(output.items)
    return output.is_file or output.type in ("", "object")


def _image_input(body: dict[str, Any], inputs: Inputs, ref: refs.ModelRef) -> dict[str, Any]:
    """Return the input of an image model for a body.

    Raises:
        GatewayError: The model has no input for a field.
    """
    given: dict[str, Any] = {first_input(inputs, ("prompt", "text"), "prompt", ref): body["prompt"]}
    size = body.get("size")
    if size not in (None, "auto"):
        given |= _size_input(str(size), inputs)
    for name, value in body.items():
        if value is None or name in _OWN_FIELDS:
            continue
        if name in inputs or not inputs:
            given[name] = value
        elif value not in _NEUTRAL.get(name, ()):
            raise GatewayError(
                400, f"{ref} has no input {name!r}; it takes {', '.join(inputs)}.", param=name
            )
    return given


def _size_input(size: str, inputs: Inputs) -> dict[str, Any]:
    """Return a size as the model takes it: a choice, width and height, or a ratio."""
    match = _SIZE.fullmatch(size)
    if match is None or "0" in match.groups():
        raise GatewayError(400, "'size' must be such as '1024x1024', or 'auto'.", param="size")
    width, height = int(match[1]), int(match[2])
    if "size" in inputs and _takes(inputs["size"], size):
        return {"size": size}
    if "width" in inputs and "height" in inputs:
        return {"width": width, "height": height}
    divisor = math.gcd(width, height)
    ratio = f"{width // divisor}:{height // divisor}"
    for name in ("aspect_ratio", "ratio"):
        if name in inputs and _takes(inputs[name], ratio):
            return {name: ratio}
    known = [name for name in ("size", "aspect_ratio", "ratio") if name in inputs]
    ranges = "; ".join(f"{name}: {inputs[name].range}" for name in known)
    raise GatewayError(
        400, f"The model cannot draw {size}; it takes {ranges or 'no size'}.", param="size"
    )


def _takes(one: Input, value: str) -> bool:
    return one.problem(value) is None


def _files(output: object) -> Iterator[FileOutput]:
    if isinstance(output, FileOutput):
        yield output
    elif isinstance(output, list):
        for item in output:
            yield from _files(item)
    elif isinstance(output, dict):
        for item in output.values():
            yield from _files(item)


def _picture(file: FileOutput, *, as_url: bool) -> dict[str, str]:
    if as_url:
        return {"url": file.url}
    return {"b64_json": base64.b64encode(file.read()).decode()}
