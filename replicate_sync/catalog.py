"""What models take and give, as far as it has been asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from . import refs
from .errors import ModelNotFoundError, ReplicateError, ResponseError
from .schemas import Inputs
from .transport import Transport


class Catalog:
    """The schemas of models, fetched when one is first asked for and kept for the client's life."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._found: dict[str, Mapping[str, Any] | None] = {}

    def latest(self, model: str) -> str:
        """Give the id of a model's latest version. Raises ModelNotFoundError where there is none."""
        from .records import Model  # late, as most runs need no schema

        found = Model.of(self._transport.request("GET", f"/models/{model}", model=model)).latest_version
        if found is None or found.id is None:
            raise ModelNotFoundError(f"The model {model!r} has no version that could be run; ask its owner to publish one.")
        self._found[model] = self._found[found.id] = found.schemas
        return found.id

    def inputs(self, ref: refs.Ref, *, fetch: bool) -> Inputs:
        """Give what a model takes; nothing where it has not been fetched before and is not to be, or cannot be."""
        if fetch:
            return Inputs(self.schemas(ref.model, ref.version))
        return Inputs(self._found.get(ref.version or ref.model or ""))

    def schemas(self, model: str | None, version: str | None) -> Mapping[str, Any] | None:
        """Give a version's `components.schemas`, or None where the API does not tell them.

        Not getting them is no error: what was paid for must not hang on them.
        """
        from .records import Model, Version

        key = version if version and version != "hidden" else model
        if not model or not key:
            return self._found.get(key or "")
        if key not in self._found:
            path = f"/models/{model}" if key == model else f"/models/{model}/versions/{quote(key, safe='')}"
            try:
                data = self._transport.request("GET", path)
            except ResponseError as error:
                if error.status_code == 404 and key != model:
                    return self.schemas(model, None)
                if error.status_code in (401, 403, 404):
                    self._found[key] = None
                return None
            except ReplicateError:
                return None
            found = Model.of(data).latest_version if key == model else Version.of(data)
            self._found[key] = found.schemas if found else None
        return self._found[key]
