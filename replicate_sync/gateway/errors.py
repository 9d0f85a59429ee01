"""Errors as OpenAI's API sends them, and which exception is which."""

from __future__ import annotations

import math

from flask import Response, json

from ..exceptions import (
    AuthenticationError,
    ConnectionFailed,
    InvalidAnswerError,
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    PaymentRequiredError,
    PredictionError,
    PredictionTimeout,
    RateLimitError,
    ReplicateError,
    ServerError,
)


class GatewayError(Exception):
    """What is wrong with a request, as OpenAI's API says it.

    Args:
        status: The status code of the response.
        message: What is wrong.
        type: The kind of error.
        code: A shorter name of it, or None.
        param: The parameter that it is about, or None.
    """

    def __init__(
        self,
        status: int,
        message: str,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body: dict[str, object] = {
            "error": {"message": message, "type": type, "param": param, "code": code}
        }


# From the more specific exceptions to the others: status, type and code.
_KINDS: tuple[tuple[type[ReplicateError], int, str, str | None], ...] = (
    (ModelNotFoundError, 404, "invalid_request_error", "model_not_found"),
    (InvalidAnswerError, 502, "server_error", "invalid_answer"),
    (InvalidInputError, 400, "invalid_request_error", None),
    (MissingAuthError, 401, "authentication_error", "invalid_api_key"),
    (AuthenticationError, 401, "authentication_error", "invalid_api_key"),
    (PaymentRequiredError, 402, "insufficient_quota", "insufficient_quota"),
    (RateLimitError, 429, "rate_limit_error", "rate_limit_exceeded"),
    (PredictionTimeout, 504, "server_error", "timeout"),
    (PredictionError, 500, "server_error", "model_failed"),
    (ConnectionFailed, 502, "server_error", "connection_failed"),
    (ServerError, 502, "server_error", "upstream_failed"),
)


def to_gateway_error(error: ReplicateError) -> GatewayError:
    """Return an exception of this package as an error of the gateway."""
    fitting = (entry for entry in _KINDS if isinstance(error, entry[0]))
    _, status, type_name, code = next(fitting, (None, 500, "server_error", None))
    param = None
    if isinstance(error, InvalidInputError) and len(error.fields) == 1:
        param = str(error.fields[0].get("field") or "") or None
    converted = GatewayError(status, str(error), type_name, code, param)
    if isinstance(error, RateLimitError):
        if error.retry_after is not None:
            converted.headers["Retry-After"] = str(math.ceil(error.retry_after))
    elif status >= 500:
        # OpenAI's clients send again what failed so, and a prediction may have been paid for.
        converted.headers["x-should-retry"] = "false"
    return converted


def error_response(error: GatewayError) -> Response:
    """Return the response to a request that is wrong, or that failed."""
    response = Response(json.dumps(error.body), error.status, mimetype="application/json")
    response.headers.update(error.headers)
    return response
