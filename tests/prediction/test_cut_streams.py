"""A stream over real sockets that is cut at any byte, resumes anywhere, or repeats itself.

What was yielded is a prefix of the output at any time, and in the end it is all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stream_events import KINDS_OF_IDS, output_event
from wire import CHUNKED, CLOSE_DELIMITED, CUT, END, LAST_CHUNK, Request, Wire, chunk, response

from replicate_sync import Polling, Replicate, Retries

TOKENS = st.sampled_from(["ha", "ha ", "a", "b", "", "\n", "ab", "aba", "ü", "one long piece, "])
STARTS = ["resumes", "replays", "goes on with what is written now"]
LAST_CUT = 3  # the connection that is the last to be cut


class CutModel:
    """A model whose output is told truly by polls, if at all, and whose stream is cut.

    Args:
        pieces: The output.
        seed: Decides all that may be either way.
        is_late: Whether its stream may be joined late.
    """

    def __init__(self, pieces: list[str], seed: int, *, is_late: bool) -> None:
        self.pieces = pieces
        self.random = Random(seed)
        self.is_late = is_late
        self.shows_parts = self.flip()
        self.polls_to_end = self.random.randint(1, 6)
        self.ids = self.random.choice(KINDS_OF_IDS)
        self.connections = 0
        self.shown = 0
        self.written = self.random.randint(0, len(pieces)) if is_late else 0

    def flip(self) -> bool:
        return self.random.random() < 0.5

    def __call__(self, request: Request) -> list[Any]:
        if request.path == "/s":
            return list(self.stream(request))
        state: dict[str, Any] = {
            "id": "p1",
            "status": "processing",
            "output": None,
            "urls": {"stream": f"http://{request.headers['host']}/s"},
        }
        if request.path.endswith("/cancel"):
            return [response({**state, "status": "canceled"})]
        if request.method == "GET":
            self.poll(state)
        return [response(state, 201 if request.method == "POST" else 200)]

    def poll(self, state: dict[str, Any]) -> None:
        self.polls_to_end -= 1
        if self.shows_parts:
            self.shown = self.random.randint(self.shown, max(self.shown, self.written))
            state["output"] = self.pieces[: self.shown]
        if self.polls_to_end < 0:
            state.update(status="succeeded", output=self.pieces)

    def stream(self, request: Request) -> Iterator[Any]:
        """Yield the steps of one connection."""
        self.connections += 1
        first = 0
        if self.connections > 1 or self.is_late:
            first = self.first_piece(self.random.choice(STARTS), request)
        ids = self.ids if self.flip() else self.random.choice(KINDS_OF_IDS)
        events = [
            output_event(self.pieces[number], number, first, ids)
            for number in range(first, len(self.pieces))
        ]
        is_cut = self.connections <= LAST_CUT and self.flip()
        whole = b": hi\n\n" + b"".join(events) + b"event: done\ndata: {}\n\n"
        body = whole[: self.random.randint(0, len(whole) - 1)] if is_cut else whole
        arrived = body.count(b"event: output")
        self.written = max(self.written, first + arrived)
        cut_at = sorted(self.random.randint(0, len(body)) for _ in range(3))
        parts = [body[a:b] for a, b in zip([0, *cut_at], [*cut_at, len(body)], strict=True)]
        is_chunked = self.flip()
        yield CHUNKED if is_chunked else CLOSE_DELIMITED
        for part in parts:
            if part:
                yield chunk(part) if is_chunked else part
        if is_cut:
            yield CUT if self.flip() else END
        elif is_chunked:
            yield LAST_CHUNK
        else:
            yield END

    def first_piece(self, start: str, request: Request) -> int:
        _, _, number = request.headers.get("last-event-id", "").rpartition(":")
        if start == "resumes" and number and self.ids == "counted":
            return min(int(number) + 1, len(self.pieces))
        if start == "goes on with what is written now":
            return self.random.randint(self.written, len(self.pieces))
        return 0


def check(model: CutModel) -> None:
    server = Wire(model)
    client = Replicate(
        "r8_x",
        base_url=server.url,
        polling=Polling(attempts=20, delay=0),
        retries=Retries(attempts=2, first=0),
    )
    try:
        if model.is_late:
            stream = client.predictions.get("p1").stream()
        else:
            stream = client.stream("a/b", {})
        truth = "".join(model.pieces)
        text = ""
        for new in stream:
            text += new
            assert truth.startswith(text)
        assert text == truth
    finally:
        client.close()
        server.close()


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TOKENS, min_size=1, max_size=8), st.booleans(), st.integers(0, 2**32))
def test_a_text_is_exact_wherever_its_stream_is_cut(
    pieces: list[str], is_late: bool, seed: int
) -> None:
    check(CutModel(pieces, seed, is_late=is_late))


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TOKENS, min_size=1, max_size=30), st.booleans(), st.integers(0, 2**32))
def test_many_texts_are_exact_wherever_their_streams_are_cut(
    pieces: list[str], is_late: bool, seed: int
) -> None:
    check(CutModel(pieces, seed, is_late=is_late))
