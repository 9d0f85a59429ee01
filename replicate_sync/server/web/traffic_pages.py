"""The pages of what goes over the wire: the requests that came, and the webhooks that were sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

from werkzeug.wrappers import Response

from ..models import Registry
from ..routes import problems
from ..routes.context import Route, RouteGroup
from ..routes.current_request import request
from ..testing.faults import Faults
from ..testing.request_log import LoggedRequest
from ..webhooks import Delivery
from .context import WebContext
from .live import Change, connection_of_request, event_response, page_events
from .rendering import fragment, page, see_other

_ROWS = 100
_MAX_SHOWN = 20_000  # characters of a body
_MAX_TIMES = 1000


class Knob(NamedTuple):
    """A fault that can be set by a click.

    Attributes:
        name: Its name in the form.
        label: What the button says.
        meaning: What happens, as a sentence.
        set: Sets it, so many times.
    """

    name: str
    label: str
    meaning: str
    set: Callable[[Faults, int], None]


KNOBS = (
    Knob(
        "limit",
        "Limit",
        "429, try again after a second",
        lambda faults, times: faults.rate_limit(times, on="POST /v1/*"),
    ),
    Knob(
        "refuse",
        "Refuse",
        "500 in place of any response",
        lambda faults, times: faults.error(500, times),
    ),
    Knob(
        "credit",
        "No credit",
        "402 for the next creates",
        lambda faults, times: faults.payment_required(times),
    ),
    Knob(
        "lose",
        "Lose",
        "a create takes effect, and its response never arrives",
        lambda faults, times: faults.lose_response(times),
    ),
    Knob(
        "slow",
        "Slow down",
        "3 seconds before any response",
        lambda faults, times: faults.slow_headers(3, times),
    ),
    Knob(
        "cut",
        "Cut",
        "a stream ends after 5 events, without its end",
        lambda faults, times: faults.cut_stream(5, times),
    ),
    Knob(
        "stall",
        "Stall",
        "a stream is silent for 5 seconds after 5 events",
        lambda faults, times: faults.stall_stream(5, 5, times),
    ),
)
"""The faults that the page offers, in its order."""


class TrafficPages(RouteGroup[WebContext]):
    """Responds to the requests for the pages of requests and webhooks."""

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("GET", "/requests", "web-requests", self.requests),
            Route("POST", "/requests/faults", "web-faults", self.set_fault),
            Route("GET", "/webhooks", "web-webhooks", self.webhooks),
            Route("GET", "/live/requests", "web-live", self.live_requests),
            Route("GET", "/live/webhooks", "web-live", self.live_webhooks),
        ]

    def requests(self) -> Response:
        """Show the newest requests, and the faults that can be set."""
        models = self._context.models
        rows = [_request_values(one, models) for one in reversed(self._context.requests[-_ROWS:])]
        pending = self._context.faults.pending()
        return page("requests.html", rows=rows, knobs=KNOBS, pending=pending)

    def set_fault(self) -> Response:
        """Set a fault, or clear all of them."""
        name = request.form.get("fault", "")
        text = request.form.get("times", "1")
        times = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if name == "clear":
            self._context.faults.clear()
        else:
            knob = next((knob for knob in KNOBS if knob.name == name), None)
            if knob is None or not 1 <= times <= _MAX_TIMES:
                raise problems.APIError(422, f"A fault happens 1 to {_MAX_TIMES} times")
            knob.set(self._context.faults, times)
        return see_other("/requests")

    def webhooks(self) -> Response:
        """Show the newest webhooks."""
        rows = [_webhook_values(one) for one in reversed(self._context.webhook_log[-_ROWS:])]
        return page("webhooks.html", rows=rows)

    def live_requests(self) -> Response:
        """Send what changes in the list of requests."""
        connection = connection_of_request(self._context.stopped)
        return event_response(page_events(self._request_changes, connection))

    def live_webhooks(self) -> Response:
        """Send what changes in the list of webhooks."""
        connection = connection_of_request(self._context.stopped)
        return event_response(page_events(self._webhook_changes, connection))

    def _request_changes(self) -> Iterable[Change]:
        pending = self._context.faults.pending()
        yield Change(
            "", "pending", repr(pending), lambda: fragment("_pending.html", pending=pending)
        )
        for one in self._context.requests[-_ROWS:]:
            version = f"{one.status}-{one.response_size}"
            yield Change("rows", f"request-{one.number}", version, self._renderer(one))

    def _renderer(self, one: LoggedRequest) -> Callable[[], str]:
        return lambda: fragment("_request.html", row=_request_values(one, self._context.models))

    def _webhook_changes(self) -> Iterable[Change]:
        for one in self._context.webhook_log[-_ROWS:]:
            values = _webhook_values(one)
            yield Change(
                "rows",
                f"webhook-{one.number}",
                "1",
                lambda values=values: fragment("_webhook.html", row=values),  # type: ignore[misc]
            )


def _request_values(one: LoggedRequest, models: Registry) -> dict[str, object]:
    return {
        "number": one.number,
        "time": one.time,
        "method": one.method,
        "path": one.path,
        "query": one.query,
        "headers": list(one.headers),
        "body": show_body(_redact(one.body, models)),
        "status": one.status,
        "seconds": one.seconds,
        "response": show_body(one.response),
        "response_size": one.response_size,
    }


def _webhook_values(one: Delivery) -> dict[str, object]:
    return {**one._asdict(), "body": show_body(one.body)}


def _redact(body: bytes, models: Registry) -> bytes:
    """Return the body of a request without the values of what is a secret input of any model."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(value, dict) or not isinstance(value.get("input"), dict):
        return body
    input = value["input"]
    for model in models.all():
        input = model.redact(input)
    if input == value["input"]:
        return body
    return json.dumps({**value, "input": input}).encode()


def show_body(body: bytes) -> str:
    """Return a body as text: JSON with room to read, anything else as it is."""
    if not body:
        return ""
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body[: 4 * _MAX_SHOWN].decode("utf-8", "replace")
    if "\x00" in text:
        return f"{len(body):,} bytes"
    if len(text) > _MAX_SHOWN:
        return f"{text[:_MAX_SHOWN]}\n… ({len(body):,} bytes)"
    return text
