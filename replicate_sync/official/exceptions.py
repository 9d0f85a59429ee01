"""The official client's exceptions. Each is one of this package's as well, with its `.hint`.

What that client leaves to httpx is raised as this package's own: `ConnectionFailed`, which is a
ConnectionError, where no response arrived; `StreamError` where a stream was cut and its rest is
lost. A token that is missing is the 401 that the API would respond, without a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import exceptions as native

if TYPE_CHECKING:
    from .prediction import Prediction


class ReplicateException(native.ReplicateError):
    """The base class of what the official client raises."""


class ModelError(ReplicateException):
    """A prediction failed, or was canceled while its output was awaited.

    Args:
        prediction: The prediction.
    """

    prediction: Prediction  # type: ignore[assignment]

    def __init__(self, prediction: Prediction) -> None:
        super().__init__()
        self.args: tuple[object, ...] = (prediction.error,)
        self.prediction = prediction

    def __str__(self) -> str:
        if self.args[0] is None and self.prediction.status != "failed":
            return f"The prediction was {self.prediction.status}."
        return str(self.args[0])


class ReplicateError(ReplicateException):
    """A response of the API that says what is wrong (RFC 7807).

    Args:
        type: A URI for the kind of problem.
        title: The kind of problem.
        status: The HTTP status.
        detail: What happened.
        instance: A URI for this one occurrence.
    """

    def __init__(
        self,
        type: str | None = None,
        title: str | None = None,
        status: int | None = None,
        detail: str | None = None,
        instance: str | None = None,
    ) -> None:
        super().__init__()
        self.args: tuple[object, ...] = ()
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.instance = instance

    @classmethod
    def from_response(cls, response: Any) -> ReplicateError:
        """Return the error that a response is.

        Args:
            response: Anything with `status_code` and `json()`.
        """
        try:
            data = response.json()
        except ValueError:
            data = {}
        if not isinstance(data, dict):
            data = {}
        return cls(
            data.get("type"),
            data.get("title"),
            response.status_code,
            data.get("detail"),
            data.get("instance"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the problem."""
        names = ("type", "title", "status", "detail", "instance")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.to_dict().items()]
        return "ReplicateError Details:\n" + "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(type={self.type!r}, title={self.title!r}, "
            f"status={self.status!r}, detail={self.detail!r}, instance={self.instance!r})"
        )

    def __reduce__(self) -> Any:
        fields = (self.type, self.title, self.status, self.detail, self.instance)
        return type(self), fields, {"hint": self.hint}


@contextmanager
def as_official_errors() -> Iterator[None]:
    """Raise what the official client raises: a ReplicateError for what the API refused.

    A context manager. What is not JSON is a TypeError.
    """
    try:
        yield
    except native.ResponseError as error:
        raise _as_official(error, error.response) from error
    except native.ModelNotFoundError as error:
        if not isinstance(error.__cause__, native.ResponseError):
            raise
        raise _as_official(error, error.__cause__.response) from error
    except native.MissingAuthError as error:
        official = ReplicateError(
            title="Unauthenticated",
            status=401,
            detail="You did not pass an authentication token",
        )
        official.hint = error.hint
        raise official from error
    except native.InvalidInputError as error:
        if isinstance(error.__cause__, TypeError):  # a value that is not JSON
            raise TypeError(str(error)) from error
        raise


def _as_official(error: native.ReplicateError, response: native.Response) -> ReplicateError:
    official = ReplicateError.from_response(response)
    official.hint = error.hint
    return official
