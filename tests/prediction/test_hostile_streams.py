"""Whatever streams and polls tell, text that was yielded is a prefix of the output, and all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_session import Reply, is_event_stream, scripted_session
from stream_events import KINDS_OF_IDS, output_event

from replicate_sync import Polling, Replicate, Retries

MAX_CONNECTIONS = 4  # after which a stream is whole
TOKENS = st.sampled_from(["ha", "ha ", "a", "b", "", "\n", "ab", "aba"])
IDS = st.sampled_from(KINDS_OF_IDS)
STARTS = st.sampled_from(["resumes", "replays", "goes on with what is written now"])


class HostileModel:
    """A model whose output is always told truly by polls, if at all, and its stream anyhow.

    Args:
        draw: Draws what is not given.
        pieces: The output.
        is_late: Whether the stream is joined late.
    """

    def __init__(self, draw: Any, pieces: list[str], is_late: bool) -> None:
        self.draw = draw
        self.pieces = pieces
        self.is_late = is_late
        self.shows_parts = draw(st.booleans())
        self.polls_to_end = draw(st.integers(1, 6))
        self.ids = draw(IDS)
        self.connections = 0
        self.shown = 0
        self.written = draw(st.integers(0, len(pieces))) if is_late else 0

    def __call__(self, request: requests.PreparedRequest) -> Reply:
        if is_event_stream(request):
            return 200, {"Content-Type": "text/event-stream"}, self.stream(request)
        state = {
            "id": "p1",
            "status": "processing",
            "output": None,
            "urls": {"stream": "https://stream.test/s"},
        }
        if request.method == "GET":
            self.poll(state)
        return 200, {}, json.dumps(state).encode()

    def poll(self, state: dict[str, Any]) -> None:
        self.polls_to_end -= 1
        if self.shows_parts:
            self.shown = self.draw(st.integers(self.shown, max(self.shown, self.written)))
            state["output"] = self.pieces[: self.shown]
        if self.polls_to_end < 0:
            state.update(status="succeeded", output=self.pieces)

    def stream(self, request: requests.PreparedRequest) -> bytes:
        """Return the events of one connection."""
        self.connections += 1
        count = len(self.pieces)
        first = 0
        if self.connections > 1 or self.is_late:
            first = self.first_piece(str(self.draw(STARTS)), request)
        last = count
        if self.connections < MAX_CONNECTIONS:
            last = self.draw(st.integers(first, count))
        self.written = max(self.written, last)
        ids = self.ids if self.draw(st.booleans()) else self.draw(IDS)
        events = [
            output_event(self.pieces[number], number, first, ids) for number in range(first, last)
        ]
        if last == count and self.draw(st.booleans()):
            events.append(b"event: done\ndata: {}\n\n")
        return b"".join(events)

    def first_piece(self, start: str, request: requests.PreparedRequest) -> int:
        last_id = request.headers.get("Last-Event-ID", b"")
        _, _, number = bytes(last_id).decode().rpartition(":")  # type: ignore[arg-type]
        if start == "resumes" and number and self.ids == "counted":
            return min(int(number) + 1, len(self.pieces))
        if start == "goes on with what is written now":
            return int(self.draw(st.integers(self.written, len(self.pieces))))
        return 0


def stream_of(model: HostileModel) -> Iterable[str]:
    client = Replicate(
        "r8_x",
        base_url="https://api.test/v1",
        session=scripted_session(model),
        polling=Polling(attempts=20, delay=0),
        retries=Retries(attempts=1),
    )
    if model.is_late:
        return client.predictions.get("p1").stream()
    return client.stream("a/b", {})


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TOKENS, min_size=1, max_size=8), st.booleans(), st.data())
def test_text_is_a_prefix_of_the_output_and_in_the_end_all_of_it(
    pieces: list[str], is_late: bool, data: st.DataObject
) -> None:
    truth = "".join(pieces)
    text = ""
    for new in stream_of(HostileModel(data.draw, pieces, is_late)):
        text += new
        assert truth.startswith(text)
    assert text == truth
