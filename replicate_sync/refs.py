"""Names of models: `owner/name`, `owner/name:version`, a bare version id, or an alias."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .errors import ModelNotFoundError

_NAMED = re.compile(r"(?P<owner>[A-Za-z0-9][\w.-]*)/(?P<name>[A-Za-z0-9][\w.-]*)(?::(?P<version>[\w.-]+))?", re.ASCII)
_VERSION = re.compile(r"[0-9a-f]{64}")


class Ref(NamedTuple):
    """A model to run: `model` is "owner/name" or None, `version` the id of one version or None; never both None."""

    model: str | None
    version: str | None = None

    def __str__(self) -> str:
        return ":".join(part for part in (self.model, self.version) if part)


def parse(text: str) -> Ref:
    """Read a reference to a model, or raise ModelNotFoundError that says what one looks like."""
    if isinstance(text, str):
        if found := _NAMED.fullmatch(text):
            return Ref(f"{found['owner']}/{found['name']}", found["version"])
        if _VERSION.fullmatch(text):
            return Ref(None, text)
    raise ModelNotFoundError(
        f"{text!r} does not name a model: write 'owner/name', 'owner/name:version', or a version id of 64 hex digits."
    )


def resolve(name: str, aliases: Mapping[str, str]) -> str:
    """Give the full name behind an alias; `owner/name` and version ids pass as they are.

    Raises ModelNotFoundError, naming the nearest aliases, for anything else.
    """
    full = aliases.get(name, name) if isinstance(name, str) else name
    try:
        parse(full)
    except ModelNotFoundError as error:
        raise unknown(name, [*aliases, *aliases.values()], str(error)) from None
    return full


def unknown(name: object, known: Iterable[str], why: str) -> ModelNotFoundError:
    """The error for a name that is not known, with the known names that look most like it."""
    from difflib import get_close_matches  # late, as most names are right

    names = list(dict.fromkeys(known))
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else f" Known here: {', '.join(names)}." if names else ""
    return ModelNotFoundError(why + hint)
