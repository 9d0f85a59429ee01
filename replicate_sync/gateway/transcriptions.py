"""`/v1/audio/transcriptions`: the text that is spoken in a file."""

from __future__ import annotations

import io
from typing import Any

from flask import Response, request

from .errors import GatewayError
from .operation import Operation
from .predictions import first_input, model_schema, run
from .work import Work, result_of

_AUDIO_INPUTS = ("audio_file", "audio", "file", "audio_input", "input_audio", "audio_path")
_TEXT_KEYS = ("text", "transcription", "transcript", "output")
_OWN_FIELDS = frozenset({"model", "file", "response_format", "stream"})
_FORMATS = ("json", "text", "verbose_json")


class Transcriptions(Operation):
    """Transcripts by OpenAI's protocol."""

    def create(self) -> Response | dict[str, Any]:
        """Respond to the present request."""
        name = request.form.get("model", "")
        if not name:
            raise GatewayError(400, "'model' is needed.", param="model")
        ref = self._models.resolve(name)
        sent = request.files.get("file")
        if sent is None:
            raise GatewayError(400, "'file' is needed, as a file.", param="file")
        kind = request.form.get("response_format") or "json"
        if kind not in _FORMATS:
            raise GatewayError(
                400,
                f"'response_format' must be one of {', '.join(_FORMATS)}.",
                param="response_format",
            )
        audio = io.BytesIO(sent.read())
        audio.name = sent.filename or "audio"
        fields = {
            key: value for key, value in request.form.items() if key not in _OWN_FIELDS and value
        }

        def transcribe(work: Work) -> str:
            inputs = model_schema(self._client, ref).inputs
            given: dict[str, Any] = {first_input(inputs, _AUDIO_INPUTS, "sound", ref): audio}
            for key, value in fields.items():
                if inputs and key not in inputs:
                    raise GatewayError(
                        400, f"{ref} has no input {key!r}; it takes {', '.join(inputs)}.", param=key
                    )
                given[key] = _number(value) if key == "temperature" else value
            return _text(run(self._client, ref, given, work).parse_output())

        text = result_of(transcribe)
        if kind == "text":
            return Response(f"{text}\n", mimetype="text/plain")
        return {"text": text}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise GatewayError(400, "'temperature' must be a number.", param="temperature") from None


def _text(output: object) -> str:
    """Return the text in an output, in whichever of the usual forms it is."""
    if isinstance(output, str):
        return output
    if isinstance(output, list) and all(isinstance(one, str) for one in output):
        return "".join(output)
    if isinstance(output, dict):
        for key in _TEXT_KEYS:
            if isinstance(output.get(key), str):
                return str(output[key])
    raise GatewayError(502, "The model returned no text.", "server_error")
