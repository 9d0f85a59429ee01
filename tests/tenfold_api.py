"""An API whose predictions have ten times the number in their input as output."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

from wire import Request, response


class TenfoldApi:
    """Creates a prediction at each POST, lists the newest first, and notes what is canceled.

    Args:
        ends_at_once: Whether a prediction has ended when it is created, or at its first poll.
        fails: The input whose prediction fails, or None.
        slow: The input whose creation takes longer than that of five others, or None.
        never_ends: The inputs whose predictions never end.
    """

    def __init__(
        self,
        *,
        ends_at_once: bool = True,
        fails: int | None = None,
        slow: int | None = None,
        never_ends: range = range(0),
    ) -> None:
        self.ends_at_once = ends_at_once
        self.fails = fails
        self.slow = slow
        self.never_ends = never_ends
        self.lock = threading.Lock()
        self.created: list[dict[str, Any]] = []
        self.canceled: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0

    def __call__(self, request: Request) -> Any:
        if request.path.endswith("/cancel"):
            prediction_id = request.path.split("/")[-2]
            self.canceled.append(prediction_id)
            return [response({"id": prediction_id, "status": "canceled"})]
        if request.method == "POST":
            return self.create(request)
        if request.path == "/v1/account":  # asked for the sake of its date
            return [response({"type": "user"}, Date=formatdate(usegmt=True))]
        if request.path == "/v1/predictions":
            listed = {"next": None, "results": self.created[::-1]}
            return [response(listed, Date=formatdate(usegmt=True))]
        number = int(request.path.rpartition("/p")[2])
        return [response(self.polled(self.created[number]))]

    def register(self, request: Request) -> dict[str, Any]:
        """Create a prediction, and return it as it is at first."""
        with self.lock:
            prediction = {
                "id": f"p{len(self.created)}",
                "status": "starting",
                "model": "a/b",
                "input": request.json["input"],
            }
            self.created.append(prediction)
        return prediction

    def create(self, request: Request) -> Iterator[Any]:
        """Create a prediction, and count how many creations are in flight at a time."""
        prediction = self.register(request)
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        yield 0.005
        if prediction["input"]["n"] == self.slow:
            while len(self.created) < self.slow + 8:
                yield 0.005
        with self.lock:
            self.in_flight -= 1
        yield response(self.polled(prediction) if self.ends_at_once else prediction, 201)

    def polled(self, prediction: dict[str, Any]) -> dict[str, Any]:
        """Return a prediction as a poll shows it."""
        n = prediction["input"]["n"]
        if prediction["id"] in self.canceled:
            return {**prediction, "status": "canceled"}
        if n in self.never_ends:
            return {**prediction, "status": "processing"}
        if n == self.fails:
            return {**prediction, "status": "failed", "error": "boom"}
        return {**prediction, "status": "succeeded", "output": 10 * n}

    @property
    def created_inputs(self) -> list[int]:
        """The inputs of all that was created, in the order of the numbers."""
        return sorted(prediction["input"]["n"] for prediction in self.created)


def numbers(count: int) -> Iterator[dict[str, int]]:
    """Return the inputs 0, 1, 2 …, lazily."""
    return ({"n": n} for n in range(count))


def tenfold(count: int) -> list[int]:
    """Return the results of the inputs 0, 1, 2 …"""
    return [10 * n for n in range(count)]
