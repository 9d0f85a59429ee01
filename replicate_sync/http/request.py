"""What is sent: a request, its body, and when it may be sent again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from ..exceptions import InvalidInputError
from ..refs import IDENTIFIER
from .config import origin

if TYPE_CHECKING:
    import requests

    from .adapter import Delivery
    from .prepared import BearerAuth, Body

_PATH = r"(/(?!(\.|%2[eE]){1,2}(/|$))[\w.~!$&'()*+,;=:@%-]+)+/?"  # compiled when needed


class Content:
    """A body that is not JSON.

    Args:
        body: The bytes, or a form with files.
        content_type: Its MIME type.
    """

    def __init__(self, body: Body, content_type: str) -> None:
        self.body = body
        self.content_type = content_type


class Request(NamedTuple):
    """A request that is to be sent, perhaps more than once."""

    method: str
    url: str
    params: Mapping[str, str] | None
    headers: Mapping[str, str]
    data: Body | None
    auth: BearerAuth
    model: str | None
    repeatable: bool
    decode: Callable[[bytes], Any] | None
    build: Callable[[Any], Any]
    delivery: Delivery | None
    retry_if: Callable[[BaseException], bool] | None

    @property
    def purpose(self) -> str:
        """The request in words: its method and path."""
        return f"{self.method} {urlsplit(self.url).path}"

    def is_retryable(self, error: BaseException) -> bool:
        """Return whether it may and should be sent again after this error."""
        from . import connection_errors

        if self.retry_if is not None:
            return self.retry_if(error)
        if self.repeatable:
            return connection_errors.is_retryable(error)
        return connection_errors.was_not_processed(error)


def path_segment(identifier: str) -> str:
    """Return an id as it stands in a path.

    Raises:
        InvalidInputError: It is not an id.
    """
    if not isinstance(identifier, str) or not IDENTIFIER.fullmatch(identifier):
        raise InvalidInputError(
            f"An id is a string such as 'gm3qorzdhgbfurvjtvhg6dckhu', not {identifier!r}."
        )
    return identifier


def validate_segments(path: str) -> None:
    """Raise InvalidInputError if an id or a name in a path would lead to another operation."""
    if not all(map(IDENTIFIER.fullmatch, path.split("/")[1:])):
        raise InvalidInputError(f"{path!r} has something in it that is no id and no name.")


def redirect_target(method: str, url: str, response: requests.Response) -> str | None:
    """Return the URL to go on with, or None for a final response: redirects stay on the API."""
    if method != "GET" or not response.is_redirect:
        return None
    target = urljoin(url, response.headers["Location"])
    if origin(target) == origin(url):
        return target
    return None


def validate_method(method: str) -> None:
    """Raise InvalidInputError unless this is the name of an HTTP method."""
    if not isinstance(method, str) or not method.isascii() or not method.isalpha():
        raise InvalidInputError(f"method must be one of HTTP such as 'GET', not {method!r}.")


def validate_path(path: str, displayed_url: str) -> None:
    """Raise InvalidInputError unless this is the path of a request.

    Args:
        path: The path.
        displayed_url: What it stands behind, as the message displays it.
    """
    if not isinstance(path, str) or not re.fullmatch(_PATH, path, re.ASCII):
        raise InvalidInputError(
            f"path must be one behind {displayed_url}, such as '/account', "
            f"not {path!r}; a query goes into params=."
        )


def validate_headers(headers: Mapping[str, str] | None) -> None:
    """Raise InvalidInputError unless these are headers."""
    if headers is None:
        return
    is_mapping = isinstance(headers, Mapping)
    if not is_mapping or not all(isinstance(text, str) for text in [*headers, *headers.values()]):
        raise InvalidInputError("headers must be a mapping of names to values, both strings.")
