"""`/v1/embeddings`: vectors of texts."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from .. import refs
from ..payloads.input_schema import Inputs
from .errors import GatewayError
from .operation import Operation
from .predictions import first_input, model_schema, run
from .request_body import json_body, required_text
from .work import Work, result_of

_LIST_INPUTS = ("texts", "text_batch", "inputs", "input_texts", "sentences")
_TEXT_INPUTS = ("text", "input", "prompt", "query")
_VECTOR_KEYS = ("embedding", "vector")
_LIST_KEYS = ("embeddings", "data", "vectors")
_IGNORED = frozenset({"model", "input", "encoding_format", "user"})


class Embeddings(Operation):
    """Vectors of texts by OpenAI's protocol."""

    def create(self) -> dict[str, Any]:
        """Respond to the present request."""
        body = json_body()
        name = required_text(body, "model")
        ref = self._models.resolve(name)
        texts = _texts(body.get("input"))
        encoding = body.get("encoding_format") or "float"
        if encoding not in ("float", "base64"):
            raise GatewayError(
                400, "'encoding_format' must be 'float' or 'base64'.", param="encoding_format"
            )
        extra = {key: value for key, value in body.items() if key not in _IGNORED}

        def embed(work: Work) -> dict[str, Any]:
            inputs = model_schema(self._client, ref).inputs
            vectors, tokens = self._embed(ref, texts, inputs, extra, work)
            data = [
                {"object": "embedding", "index": number, "embedding": _encode(vector, encoding)}
                for number, vector in enumerate(vectors)
            ]
            usage = {"prompt_tokens": tokens, "total_tokens": tokens}
            return {"object": "list", "data": data, "model": name, "usage": usage}

        return result_of(embed)

    def _embed(
        self,
        ref: refs.ModelRef,
        texts: list[str],
        inputs: Inputs,
        extra: dict[str, Any],
        work: Work,
    ) -> tuple[list[list[float]], int]:
        """Return a vector for each text, and how many tokens were read."""
        target = first_input(inputs, (*_LIST_INPUTS, *_TEXT_INPUTS), "texts", ref)
        batches: list[Any] = [texts]
        if target in _TEXT_INPUTS:
            batches = list(texts)
        vectors: list[list[float]] = []
        tokens = 0
        for batch in batches:
            if isinstance(batch, list) and target in inputs and inputs[target].type == "string":
                batch = json.dumps(batch)  # a list, in models without such a type
            prediction = run(self._client, ref, {**extra, target: batch}, work)
            tokens += int(prediction.input_tokens or 0)
            vectors += _vectors(prediction.output)
        if len(vectors) != len(texts):
            raise GatewayError(
                502,
                f"{ref} returned {len(vectors)} vectors for {len(texts)} texts.",
                "server_error",
            )
        return vectors, tokens


def _texts(given: object) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise GatewayError(
            400, "'input' must be a text or a list of texts; tokens cannot be sent.", param="input"
        )
    return texts


def _vectors(output: object) -> list[list[float]]:
    """Return the vectors in an output, in whichever of the usual forms it is."""
    if isinstance(output, dict):
        for key in _LIST_KEYS:
            if key in output:
                return _vectors(output[key])
        for key in _VECTOR_KEYS:
            if key in output:
                return _vectors([output[key]])
    if isinstance(output, list) and output:
        if all(isinstance(one, int | float) for one in output):
            return [output]
        return [_vector(one) for one in output]
    return []


def _vector(one: object) -> list[float]:
    if isinstance(one, dict):
        for key in _VECTOR_KEYS:
            if key in one:
                return _vector(one[key])
    if isinstance(one, list) and all(isinstance(number, int | float) for number in one):
        return one
    raise GatewayError(502, "The model returned what is no vector.", "server_error")


def _encode(vector: list[float], encoding: str) -> list[float] | str:
    if encoding == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
