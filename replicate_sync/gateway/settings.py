"""The settings of a gateway, and the names of models in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import refs
from ..exceptions import InvalidInputError, ModelNotFoundError
from ..http.config import origin
from ..payloads.saving import expanded

ANY_ORIGIN = "*"


@dataclass(frozen=True)
class GatewaySettings:
    """The settings of a gateway.

    Attributes:
        host: The address that it listens on.
        key: The key that clients must send; "" for none, which is for this machine only.
        aliases: Models of Replicate by the names that clients have for them.
        allowed_origins: The origins of web pages that may use it, such as "http://localhost:3000";
            "*" for any, which needs a key.

    Raises:
        InvalidInputError: An origin is none, or any page could run models.
    """

    host: str = "127.0.0.1"
    key: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    allowed_origins: Collection[str] = ()

    def __post_init__(self) -> None:
        for given in self.allowed_origins:
            if given == ANY_ORIGIN:
                if not self.key:
                    raise InvalidInputError(
                        "Any web page that is open in a browser here could run models.",
                        hint="Name the origins, or give the gateway a key for its clients.",
                    )
            elif origin(given) is None or given.rstrip("/").count("/") != 2:
                raise InvalidInputError(
                    f"{given!r} is not the origin of a web page, such as 'http://localhost:3000'."
                )

    def allows(self, given: str) -> bool:
        """Return whether the pages of an origin may use the gateway.

        Args:
            given: The header `Origin`.
        """
        page = origin(given)
        if page is None:
            return False
        allowed = self.allowed_origins
        return ANY_ORIGIN in allowed or page in map(origin, allowed)


def read_aliases(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the names in a TOML file: lines such as `gpt-4o-mini = "openai/gpt-4o-mini"`.

    Args:
        path: The file. The names are at its top, or in a table `[aliases]`.

    Raises:
        InvalidInputError: It cannot be read, or a name does not lead to a model.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(Path(expanded(path)).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"The aliases in {path} cannot be read: {error}") from error
    table = document.pop("aliases", {})
    if not isinstance(table, dict):
        raise InvalidInputError(f"`aliases` in {path} must be a table of names.")
    names = {**document, **table}
    for name, model in names.items():
        if not isinstance(model, str):
            raise InvalidInputError(f"{name!r} in {path} must be the name of a model, as a string.")
        try:
            refs.parse(model)
        except ModelNotFoundError as error:
            raise InvalidInputError(f"{name!r} in {path}: {error}") from error
    return names
