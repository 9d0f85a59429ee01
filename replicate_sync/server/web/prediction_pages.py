"""The pages of predictions: all of them, newest first, and each one live."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.wrappers import Response

from ..job import Job
from ..routes import problems
from ..routes.context import Route
from ..routes.current_request import request
from .context import WebContext
from .live import (
    Change,
    connection_of_request,
    event_response,
    page_events,
    prediction_events,
)
from .prediction_view import view_prediction
from .rendering import fragment, page, see_other

_ROWS = 100  # predictions that the list has


class PredictionPages:
    """Responds to the requests for the pages of predictions.

    Args:
        context: The server.
    """

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._jobs = context.jobs

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("GET", "/p", "web-predictions", self.all),
            Route("GET", "/p/<id>", "web-prediction", self.show),
            Route("POST", "/p/<id>/cancel", "web-cancel", self.cancel),
            Route("GET", "/live/p", "web-live", self.live_list),
            Route("GET", "/live/p/<id>", "web-live", self.live),
        ]

    def all(self) -> Response:
        """Show the newest predictions and trainings."""
        views = [view_prediction(job) for job in self._jobs.all()[:_ROWS]]
        return page("predictions.html", views=views, dropped=self._jobs.dropped)

    def show(self, id: str) -> Response:
        """Show a prediction."""
        return page("prediction.html", view=view_prediction(self._job(id)))

    def cancel(self, id: str) -> Response:
        """Cancel a prediction, and show it."""
        job = self._job(id)
        job.cancel()
        return see_other(f"/p/{job.id}")

    def live_list(self) -> Response:
        """Send what changes in the list."""
        connection = connection_of_request(self._context.stopped)
        return event_response(page_events(self._list_changes, connection))

    def live(self, id: str) -> Response:
        """Send what changes of a prediction; `?pieces=` says how much of its text is shown."""
        job = self._job(id)
        text = request.args.get("pieces", "")
        position = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        connection = connection_of_request(self._context.stopped)
        events = prediction_events(job, position, lambda: prediction_changes(job), connection)
        return event_response(events)

    def _list_changes(self) -> Iterable[Change]:
        dropped = self._jobs.dropped
        yield Change(
            "", "dropped", str(dropped), lambda: fragment("_dropped.html", dropped=dropped)
        )
        for job in reversed(self._jobs.all()[:_ROWS]):
            counts = f"{job.status}-{job.counts['output']}-{job.counts['logs']}"
            yield Change("rows", f"row-{job.id}", counts, lambda job=job: _row(job))  # type: ignore[misc]

    def _job(self, id: str) -> Job:
        job = self._jobs.get(id)
        if job is None:
            raise problems.not_found()
        return job


def panel(job: Job) -> str:
    """Return a prediction as a part of a page, which keeps itself up to date."""
    return fragment("_panel.html", view=view_prediction(job))


def prediction_changes(job: Job) -> Iterable[Change]:
    """Yield the parts of a prediction as they are now, besides the pieces of its text."""
    view = view_prediction(job)

    def part(name: str, version: str) -> Change:
        return Change("", f"{name}-{job.id}", version, lambda: fragment(f"_{name}.html", view=view))

    yield part("head", f"{view.status}-{view.percent}")
    if not view.text:
        yield part("output", f"{view.pieces}-{len(view.output)}-{view.error}")
    yield part("logs", str(len(view.logs)) + view.logs[-200:])
    yield part("result", f"{view.status}-{view.error}")


def _row(job: Job) -> str:
    return fragment("_row.html", view=view_prediction(job))
