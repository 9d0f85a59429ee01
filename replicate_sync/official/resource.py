"""What the API describes, as the official client has it: fields that can be read, set and dumped.

Unlike there, nothing is validated: a field that the API leaves out is None, and one of another type
than it should have stays as it is. There is no pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from inspect import get_annotations
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from .client import Client

_Self = TypeVar("_Self", bound="Resource")


def refuse_async(owner: str, instance: str, name: str) -> NoReturn:
    """Raise the AttributeError for a name that is not here, and say what takes its place.

    Args:
        owner: What has no such name, in words.
        instance: What a program calls that.
        name: The name.
    """
    message = f"{owner} has no attribute {name!r}"
    call = name.removeprefix("async_")
    if call != name:
        message += f": write `await asyncio.to_thread({instance}.{call}, …)` instead"
    raise AttributeError(message)


class Resource:
    """One object of the API.

    Args:
        **data: Its fields, as the API sends them; others are ignored.
    """

    #: The names of its fields, in their order.
    _fields: ClassVar[tuple[str, ...]] = ()
    #: The classes of fields that are resources themselves.
    _nested: ClassVar[Mapping[str, type[Resource]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "_fields" not in vars(cls):
            own = [name for name in get_annotations(cls) if not name.startswith("_")]
            cls._fields = (*cls._fields, *own)

    def __init__(self, **data: Any) -> None:
        self._take(data)

    def _take(self, data: Mapping[str, Any]) -> None:
        """Set all fields to what the API says."""
        for name in self._fields:
            object.__setattr__(self, name, self._parse(name, data.get(name)))

    def _parse(self, name: str, value: Any) -> Any:
        kind = self._nested.get(name)
        if kind is not None and isinstance(value, Mapping):
            return kind(**value)
        return value

    def dict(
        self,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        exclude_none: bool = False,
        **ignored: Any,
    ) -> dict[str, Any]:
        """Return the fields as a dict; resources in it become dicts.

        Args:
            include: The names of the only fields to return.
            exclude: The names of fields to leave out.
            exclude_none: Whether to leave out what is None.
            **ignored: What pydantic takes besides, which makes no difference here.
        """
        left_out = set(exclude or ())
        names = self._fields if include is None else [n for n in self._fields if n in set(include)]
        fields = {name: _plain(getattr(self, name)) for name in names if name not in left_out}
        if exclude_none:
            return {name: value for name, value in fields.items() if value is not None}
        return fields

    def json(
        self,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        exclude_none: bool = False,
        **options: Any,
    ) -> str:
        """Return the fields as JSON.

        Args:
            include: As for `dict`.
            exclude: As for `dict`.
            exclude_none: As for `dict`.
            **options: Options of `json.dumps`, such as `indent`.
        """
        fields = self.dict(include=include, exclude=exclude, exclude_none=exclude_none)
        return json.dumps(fields, default=_serialize, **options)

    def copy(self: _Self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> _Self:
        """Return a copy.

        Args:
            update: Fields that are to be others.
            deep: Whether to copy the values too.
        """
        twin = type(self).__new__(type(self))
        for name, value in vars(self).items():
            is_field = name in self._fields
            object.__setattr__(twin, name, deepcopy(value) if deep and is_field else value)
        for name, value in (update or {}).items():
            object.__setattr__(twin, name, value)
        return twin

    @classmethod
    def parse_obj(cls: type[_Self], obj: Mapping[str, Any]) -> _Self:
        """Return the object that a dict describes, such as the body of a webhook."""
        return cls(**obj)

    @classmethod
    def parse_raw(cls: type[_Self], b: str | bytes) -> _Self:
        """Return the object that JSON describes."""
        return cls(**json.loads(b))

    @classmethod
    def construct(cls: type[_Self], **values: Any) -> _Self:
        """Return the object with these fields."""
        return cls(**values)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and name not in self._fields:
            raise ValueError(f'"{type(self).__name__}" object has no field "{name}"')
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        kind = type(self).__name__
        refuse_async(f"{kind!r} object", kind.lower(), name)

    def __iter__(self) -> Iterator[Any]:
        return iter([(name, getattr(self, name)) for name in self._fields])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Resource):
            return self.dict() == other.dict()
        return self.dict() == other

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._described(', ')})"

    def __str__(self) -> str:
        return self._described(" ")

    def _described(self, separator: str) -> str:
        return separator.join(f"{name}={getattr(self, name)!r}" for name in self._fields)


def path_id(value: Any) -> str:
    """Return an id for a path, that of an object where one is given."""
    return quote(str(getattr(value, "id", value)), safe="")


class Namespace:
    """Operations on the resources of one kind.

    Args:
        client: Sends the requests.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        kind = type(self).__name__
        refuse_async(f"{kind!r} object", f"replicate.{kind.lower()}", name)


def _plain(value: Any) -> Any:
    if isinstance(value, Resource):
        return value.dict()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value


def _serialize(value: Any) -> Any:
    for method in ("isoformat", "dict"):
        if hasattr(value, method):
            return getattr(value, method)()
    if hasattr(value, "value"):
        return value.value
    return str(value)
