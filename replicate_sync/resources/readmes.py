"""The READMEs of models, in Markdown."""

from __future__ import annotations

from functools import partial

from ..refs import parse_name
from .base import Resource
from .predictions import Predictions


class Readmes(Resource):
    """The READMEs of models: `get`.

    Args:
        predictions: The client's predictions.

    Examples:
        >>> my_model = client.models.update("local/mine", readme="# My model")
        >>> client.models.readme.get("local/mine")
        '# My model'
    """

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions.context.transport)
        self._predictions = predictions

    def get(self, model: str) -> str:
        """Return the README of a model, in Markdown.

        See https://replicate.com/docs/reference/http#models.readme.get

        Args:
            model: "owner/name".

        Raises:
            ModelNotFoundError: There is no such model.

        Examples:
            >>> my_model = client.models.update("local/mine", readme="# My model")
            >>> client.models.readme.get("local/mine")
            '# My model'
        """
        name = parse_name(model)
        path = f"/models/{name}/readme"
        send = partial(
            self._transport.request, "GET", path, model=name, decode=_decode_text, build=str
        )
        return self._predictions.about_model(name, send)


def _decode_text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
