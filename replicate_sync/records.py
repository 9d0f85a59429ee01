"""What the API describes, one record per noun: typed fields, and all that came in `raw`. Nothing here does I/O.

A field that the API left out, or sent in another type, is None or empty; one that is not known here is in `raw`.
https://replicate.com/docs/reference/http
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from .schemas import Inputs

_Record = TypeVar("_Record", bound="Record")


class Record:
    """Something that the API describes. Its fields are those that its class names, with their defaults."""

    #: All that the API sent.
    raw: Mapping[str, Any] = MappingProxyType({})

    _unseen: ClassVar[tuple[str, ...]] = ()  # fields that a repr leaves out

    @classmethod
    def of(cls: type[_Record], data: Any) -> _Record:
        """Read what the API sent, old shapes and new ones."""
        raw = data if isinstance(data, Mapping) else {}
        one = cls()
        vars(one).update({name: raw[name] for name in cls.__annotations__ if name in raw and name != "raw"}, raw=raw)
        return one

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is what the API sent, and cannot be changed here.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(other.raw == self.raw)

    __hash__ = None  # type: ignore[assignment]  # as of any value that holds a dict

    def __repr__(self) -> str:
        names = [name for name in type(self).__annotations__ if name[0] != "_" and name not in self._unseen]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


class Account(Record):
    """An account: a user or an organization."""

    type: str | None = None
    username: str | None = None
    name: str | None = None
    github_url: str | None = None
    avatar_url: str | None = None


class Hardware(Record):
    """Something that models run on; `sku` is what a deployment or a new model is given."""

    name: str | None = None
    sku: str | None = None


class File(Record):
    """An uploaded file; `url` is what a model is given. It is kept for a day."""

    id: str | None = None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    etag: str | None = None
    checksums: Mapping[str, str] = MappingProxyType({})
    metadata: Mapping[str, Any] = MappingProxyType({})
    created_at: str | None = None
    expires_at: str | None = None
    urls: Mapping[str, str] = MappingProxyType({})

    @property
    def url(self) -> str | None:
        """The address that stands for the file in a model's input."""
        return self.urls.get("get") if isinstance(self.urls, Mapping) else None


class Version(Record):
    """One version of a model; `inputs` is what it takes, as a table."""

    _unseen = ("openapi_schema",)

    id: str | None = None
    created_at: str | None = None
    cog_version: str | None = None
    openapi_schema: Mapping[str, Any] | None = None

    @property
    def schemas(self) -> Mapping[str, Any] | None:
        """The `components.schemas` of its OpenAPI document, or None where the API does not tell them."""
        try:
            found = self.openapi_schema["components"]["schemas"]  # type: ignore[index]
        except (KeyError, TypeError):
            return None
        return found if isinstance(found, Mapping) else None

    @property
    def inputs(self) -> Inputs:
        """What it takes: names, types, defaults, choices, ranges and descriptions."""
        return Inputs(self.schemas)


class Model(Record):
    """A model; `inputs` is what its latest version takes, as a table."""

    _unseen = ("github_url", "paper_url", "license_url", "cover_image_url", "created_at", "default_example")

    owner: str | None = None
    name: str | None = None
    description: str | None = None
    visibility: str | None = None
    is_official: bool | None = None
    url: str | None = None
    github_url: str | None = None
    paper_url: str | None = None
    license_url: str | None = None
    run_count: int | None = None
    cover_image_url: str | None = None
    created_at: str | None = None
    default_example: Mapping[str, Any] | None = None

    @property
    def latest_version(self) -> Version | None:
        """Its latest version, or None where it has none."""
        found = self.raw.get("latest_version")
        return Version.of(found) if isinstance(found, Mapping) and isinstance(found.get("id"), str) else None

    @property
    def inputs(self) -> Inputs:
        """What its latest version takes."""
        version = self.latest_version
        return version.inputs if version else Inputs(None)

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class Collection(Record):
    """Models that Replicate shows together."""

    _unseen = ("full_description",)

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    full_description: str | None = None

    @property
    def models(self) -> Sequence[Model]:
        """Its models, where the API sent them."""
        return _models(self.raw.get("models"))


class Deployment(Record):
    """A model with hardware of its own."""

    owner: str | None = None
    name: str | None = None
    current_release: Mapping[str, Any] = MappingProxyType({})

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class Secret(Record):
    """The key that signs an account's webhooks. Its repr does not show it."""

    _unseen = ("key",)

    key: str | None = None


class Found(Record):
    """What a search found; `models` is what it is mostly asked for."""

    _unseen = ("pages",)

    query: str | None = None
    pages: Sequence[Mapping[str, Any]] = ()

    @property
    def models(self) -> Sequence[Model]:
        """The models, the best first."""
        entries = self.raw.get("models")
        return _models([e.get("model") for e in entries if isinstance(e, Mapping)] if isinstance(entries, list) else None)

    @property
    def collections(self) -> Sequence[Collection]:
        """The collections."""
        found = self.raw.get("collections")
        return [Collection.of(one) for one in found] if isinstance(found, list) else []


def _models(found: Any) -> Sequence[Model]:
    return [Model.of(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
