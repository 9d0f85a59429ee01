"""The responses that say what is wrong with a request, as exceptions.

API: https://replicate.com/docs/reference/http
"""

from __future__ import annotations

from ..json_types import JSONObject
from ..validation import Problem


class APIError(Exception):
    """Ends a request with an error response.

    Args:
        status: The status code.
        detail: What is wrong, as a sentence.
        title: What kind of problem it is.
        extra: Further keys of the body.

    Attributes:
        status: The status code.
        body: The JSON of the response.
    """

    def __init__(self, status: int, detail: str, title: str | None = None, **extra: object) -> None:
        super().__init__(detail)
        self.status = status
        self.body: JSONObject = {"detail": detail, "status": status}
        if title is not None:
            self.body["title"] = title
        self.body |= extra


def not_found() -> APIError:
    """Return the error for an unknown route, id or model."""
    return APIError(404, "The requested resource could not be found.")


def detail_only(status: int, detail: str) -> APIError:
    """Return an error whose body has no key but `detail`."""
    error = APIError(status, detail)
    error.body = {"detail": detail}
    return error


def unknown_version() -> APIError:
    """Return the error for a version that does not exist."""
    detail = (
        "The specified version does not exist (or perhaps you don't have permission to use it?)"
    )
    return APIError(422, detail, "Invalid version or not permitted")


def invalid(problems: list[Problem]) -> APIError:
    """Return the error for a body or an input with these problems."""
    lines = []
    for problem in problems:
        if problem.field:
            lines.append(f"- {problem.field}: {problem.description}\n")
        else:
            lines.append(f"- {problem.description}\n")
    fields = [problem._asdict() for problem in problems]
    return APIError(422, "".join(lines), "Input validation failed", invalid_fields=fields)
