"""References to models: `owner/name`, `owner/name:version`, a version, a deployment, an alias."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .exceptions import ModelNotFoundError

#: An id or a name that may stand in a path, and leads to nothing else: the characters of a segment,
#: but none that is percent-encoded, and not "." or "..".
IDENTIFIER = re.compile(r"(?!\.{1,2}$)[\w.~!$&'()*+,;=:@-]+", re.ASCII)
_NAME_WITH_OWNER = re.compile(
    r"(?P<owner>[A-Za-z0-9][\w.-]*)/(?P<name>[A-Za-z0-9][\w.-]*)(?::(?P<version>(?!\.{1,2}$)[\w.-]+))?",
    re.ASCII,
)
_DEPLOYMENTS = "deployments/"
_VERSION_ID = r"[0-9a-f]{64}"  # compiled when needed


class ModelRef(NamedTuple):
    """A model to run; one of `model`, `version` and `deployment` is never None."""

    #: "owner/name", or None where only the version or the deployment is known.
    model: str | None
    #: The id of one version, or None for the latest one.
    version: str | None = None
    #: The "owner/name" of a deployment, which has a model and a version of its own.
    deployment: str | None = None

    def __str__(self) -> str:
        if self.deployment:
            return f"{_DEPLOYMENTS}{self.deployment}"
        return ":".join(part for part in (self.model, self.version) if part)


def parse(text: str) -> ModelRef:
    """Return the model that a reference names.

    Args:
        text: "owner/name", "owner/name:version", a version id of 64 hexadecimal digits, or
            "deployments/owner/name".

    Raises:
        ModelNotFoundError: The text is none of these.
    """
    if isinstance(text, str):
        deployment = text.removeprefix(_DEPLOYMENTS)
        if deployment != text and is_name(deployment):
            return ModelRef(None, deployment=deployment)
        match = _NAME_WITH_OWNER.fullmatch(text)
        if match:
            return ModelRef(f"{match['owner']}/{match['name']}", match["version"])
        if re.fullmatch(_VERSION_ID, text):
            return ModelRef(None, text)
    raise ModelNotFoundError(
        f"{text!r} does not name a model.",
        hint=(
            "Write 'owner/name', 'owner/name:version', a version id of 64 hex digits, or "
            "'deployments/owner/name'."
        ),
    )


def is_name(text: object) -> bool:
    """Return whether a text is "owner/name", without a version."""
    match = _NAME_WITH_OWNER.fullmatch(text) if isinstance(text, str) else None
    return match is not None and match["version"] is None


def resolve(text: str, aliases: Mapping[str, str]) -> ModelRef:
    """Return the model that a reference or an alias names.

    Args:
        text: As for `parse`, or a key of `aliases`.
        aliases: Full names by their short names.

    Raises:
        ModelNotFoundError: The text is neither; the nearest aliases are named.
    """
    try:
        return parse(aliases.get(text, text) if isinstance(text, str) else text)
    except ModelNotFoundError as error:
        known = [*aliases, *aliases.values()]
        raise unknown_model_error(text, known, error.message, otherwise=error.hint) from None


def parse_name(text: str) -> str:
    """Return a reference that must be "owner/name", without a version.

    Raises:
        ModelNotFoundError: It is not.
    """
    ref = parse(text)
    if ref.model is None or ref.version is not None:
        raise ModelNotFoundError(f"{text!r} is not of the form 'owner/name'.")
    return ref.model


def parse_version(text: str) -> ModelRef:
    """Return a reference that must be "owner/name:version".

    Raises:
        ModelNotFoundError: It is not.
    """
    ref = parse(text)
    if ref.model is None or ref.version is None:
        raise ModelNotFoundError(f"{text!r} is not of the form 'owner/name:version'.")
    return ref


def unknown_model_error(
    name: object, known: Iterable[str], message: str, *, otherwise: str = ""
) -> ModelNotFoundError:
    """Return the error for an unknown name, with the known names that are most like it as its hint.

    Args:
        name: What was given.
        known: The names that are known here.
        message: What happened.
        otherwise: The hint where no known name is like it.
    """
    from difflib import get_close_matches  # late, as most names are right

    names = list(dict.fromkeys(known))
    nearest = get_close_matches(str(name), names, cutoff=0.5)
    hint = otherwise
    if nearest:
        hint = f"Did you mean {' or '.join(map(repr, nearest))}?"
    elif names:
        hint = f"{otherwise} Known here: {', '.join(names)}.".strip()
    return ModelNotFoundError(message, hint=hint)
