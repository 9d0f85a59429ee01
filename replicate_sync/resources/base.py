"""What the resources of the API have in common: records, and lists that come in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from ..exceptions import InvalidInputError

if TYPE_CHECKING:
    from ..http.pagination import RawPage
    from ..http.request import Content
    from ..http.transport import Transport
    from .pages import Pages

_Item = TypeVar("_Item")
_Record = TypeVar("_Record", bound="Record")


class Record:
    """What the API says of something. It cannot be changed here, and sends no request.

    A field that the API left out is None or empty. One that has no attribute here is in `raw`.
    See https://replicate.com/docs/reference/http

    Examples:
        >>> client.account.get().raw["type"]
        'user'
    """

    #: All that the API sent.
    raw: Mapping[str, Any] = MappingProxyType({})

    _hidden_fields: ClassVar[tuple[str, ...]] = ()  # which a repr leaves out
    _resource: Any = None

    @classmethod
    def from_json(cls: type[_Record], data: object, resource: object = None) -> _Record:
        """Return the record of what the API sent, in old forms and new ones.

        Args:
            data: The API's JSON.
            resource: The operations that its own methods call.

        Examples:
            >>> Account.from_json({"username": "alice"}).username
            'alice'
        """
        if isinstance(data, Mapping):
            raw = data
        else:
            raw = {}
        record = cls()
        fields = {name: raw[name] for name in cls.__annotations__ if name in raw and name != "raw"}
        vars(record).update(fields, raw=raw, _resource=resource)
        return record

    @property
    def reference(self) -> str:
        """What names it, where a model is to be named.

        Examples:
            >>> client.models.get("replicate/hello-world").reference
            'replicate/hello-world'
        """
        return str(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_resource": None}  # which has the token

    def _bound(self) -> Any:
        """Return the operations that its methods call.

        Raises:
            InvalidInputError: It was made by hand, or unpickled.
        """
        if self._resource is None:
            raise InvalidInputError(
                f"This {type(self).__name__} was made by hand or unpickled, and can only be read.",
                hint="Get it from a client again.",
            )
        return self._resource

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is what the API sent, and cannot be changed.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(other) is type(self) and other.raw == self.raw

    def __repr__(self) -> str:
        names = [name for name in type(self).__annotations__ if not name.startswith("_")]
        shown = [name for name in names if name not in self._hidden_fields]
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__name__}({fields})"


class Resource:
    """A group of API operations.

    Args:
        transport: Sends the requests.

    Examples:
        >>> client.account
        <replicate_sync.resources.account.Accounts object at ...>
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _list(
        self,
        path: str,
        build: Callable[[Any], _Item],
        limit: int | None,
        params: Mapping[str, str | None] | None = None,
        *,
        method: str = "GET",
        content: Content | None = None,
        model: str | None = None,
        around: Callable[[Callable[[], RawPage]], RawPage] | None = None,
    ) -> Pages[_Item]:
        """Return the items of a list, on all its pages, which are fetched when they are needed.

        Args:
            path: The path.
            build: Makes an item of its JSON.
            limit: After how many items it ends; None for no end.
            params: The query; what is None is left out.
            method: The HTTP method.
            content: The body.
            model: The model that it is about.
            around: Calls what fetches the first page.
        """
        from ..http.pagination import PageParser, follow_link
        from .pages import Pages  # late, as most programs list nothing

        query = {name: value for name, value in (params or {}).items() if value is not None}
        pages = PageParser()
        fetch_first = partial(
            self._transport.request,
            method,
            path,
            params=query,
            content=content,
            model=model,
            build=pages.parse,
        )
        if around is not None:
            fetch_first = partial(around, fetch_first)
        follow = partial(follow_link, self._transport, path, pages=pages)
        return Pages(fetch_first, follow, build, limit, path)


def reference_to(model: object) -> str:
    """Return the reference to what a record describes, or what is one already.

    Args:
        model: The record of a model, a version or a deployment, or a string.
    """
    if isinstance(model, Record):
        return model.reference
    return cast(str, model)  # of which `refs.parse` says what is wrong


def discard(data: object) -> None:
    """Ignore the body of a response that says nothing."""


def present_fields(**fields: object) -> dict[str, object]:
    """Return the fields that are not None: those that a body is to have."""
    return {name: value for name, value in fields.items() if value is not None}
