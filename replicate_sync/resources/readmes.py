"""The READMEs of models, in Markdown."""

from __future__ import annotations

from ..refs import parse_name
from .base import Resource


class Readmes(Resource):
    """The READMEs of models: `get`.

    Examples:
        >>> name = "local/read"
        >>> model = client.models.create(name, visibility="private", hardware="cpu")
        >>> model = client.models.update("local/read", readme="# My model")
        >>> client.models.readme.get("local/read")
        '# My model'
    """

    def get(self, model: str) -> str:
        """Return the README of a model, in Markdown.

        See https://replicate.com/docs/reference/http#models.readme.get

        Args:
            model: "owner/name".

        Raises:
            ModelNotFoundError: There is no such model.

        Examples:
            >>> name = "local/told"
            >>> model = client.models.create(name, visibility="private", hardware="cpu")
            >>> model = client.models.update("local/told", readme="# My model")
            >>> client.models.readme.get("local/told")
            '# My model'
        """
        path = f"/models/{parse_name(model)}/readme"
        return self._transport.request("GET", path, model=model, decode=_decode_text, build=str)


def _decode_text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
