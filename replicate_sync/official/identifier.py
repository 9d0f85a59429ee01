"""References to models and versions, as the official client parses them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..refs import IDENTIFIER

_REFERENCE = re.compile(r"^(?P<owner>[^/]+)/(?P<name>[^/:]+)(:(?P<version>.+))?$")


class ModelVersionIdentifier(NamedTuple):
    """A model, owner/name, or a version of it, owner/name:version."""

    owner: str
    name: str
    version: str | None = None

    @classmethod
    def parse(cls, ref: str) -> ModelVersionIdentifier:
        """Return the parts of a reference.

        Raises:
            ValueError: It is none.
        """
        match = _REFERENCE.match(ref)
        if not match:
            raise ValueError(
                f"Invalid reference to model version: {ref}. Expected format: owner/name:version"
            )
        return cls(match["owner"], match["name"], match["version"])


class Resolved(NamedTuple):
    """What a reference refers to, as far as it says."""

    #: The Version that was given, or None.
    version: Any
    owner: str | None
    name: str | None
    version_id: str | None


def resolve(ref: Any) -> Resolved:
    """Return what a Model, a Version, an identifier or a string refers to.

    Raises:
        ValueError: The string is no reference.
    """
    if isinstance(ref, ModelVersionIdentifier):
        return Resolved(None, *ref)
    if isinstance(ref, str):
        return Resolved(None, *ModelVersionIdentifier.parse(ref))
    if hasattr(ref, "openapi_schema"):
        return Resolved(ref, None, None, ref.id)
    if not hasattr(ref, "latest_version"):  # a deployment has an owner and a name, too
        return Resolved(None, None, None, None)
    return Resolved(None, getattr(ref, "owner", None), getattr(ref, "name", None), None)


def owner_and_name(thing: Any, kind: str) -> tuple[str, str]:
    """Return the owner and name of what a Model, Deployment, tuple or string names.

    Args:
        thing: Any of these.
        kind: What a message calls it: "model" or "deployment".

    Raises:
        ValueError: It is none of these, or would lead to something else.
    """
    owner, name = _split(thing, kind)
    if not all(map(IDENTIFIER.fullmatch, (owner, name))):
        raise ValueError(f"{owner}/{name} has something in it that is no id and no name.")
    return owner, name


def _split(thing: Any, kind: str) -> tuple[str, str]:
    if isinstance(thing, tuple) and len(thing) >= 2:
        return thing[0], thing[1]
    if isinstance(thing, str) and kind == "model":
        owner, name, version = ModelVersionIdentifier.parse(thing)
        if version is not None:
            raise ValueError(
                f"Invalid reference to model version: {thing}. "
                "Expected model or reference in the format owner/name"
            )
        return owner, name
    if isinstance(thing, str):
        owner, name = thing.split("/", 1)
        return owner, name
    if hasattr(thing, "owner") and hasattr(thing, "name"):
        return thing.owner, thing.name
    raise ValueError(
        f"{kind} must be a {kind.title()}, a tuple of (owner, name), "
        "or a string in the format 'owner/name'"
    )
