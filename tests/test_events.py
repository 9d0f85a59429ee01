"""Listeners are told what happens, and can break nothing."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

from replicate_sync.event_hook import EventHook
from replicate_sync.events import PredictionEvent
from replicate_sync.exceptions import InvalidInputError


def test_an_event_reaches_each_listener_with_its_time() -> None:
    first: list[PredictionEvent] = []
    second: list[PredictionEvent] = []
    hook = EventHook(first.append)
    hook.emit("created", id="p1", model="a/b")
    with hook.listening(second.append):
        hook.emit("ended", id="p1", metrics={"predict_time": 1})
    hook.emit("saved", id="p1", path="a.png")
    assert [event.kind for event in first] == ["created", "ended", "saved"]
    assert second == first[1:2]
    assert first[0].time <= first[1].time
    assert first[0].metrics == {}


def test_an_error_of_a_listener_is_logged_and_breaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(event: PredictionEvent) -> None:
        raise KeyError(event.kind)

    reached: list[PredictionEvent] = []
    hook = EventHook(broken)
    with caplog.at_level(logging.WARNING, "replicate_sync"), hook.listening(reached.append):
        hook.emit("created", id="p1")
    assert [event.kind for event in reached] == ["created"]
    assert "on_event raised KeyError for 'created'" in caplog.text


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="on_event must be a function of an event, not 5"):
        EventHook(5)  # type: ignore[arg-type]


def test_a_hook_without_listeners_does_nothing() -> None:
    EventHook().emit("created", anything=1)


def test_a_hook_is_pickled_without_its_listeners() -> None:
    heard: list[Any] = []
    hook = pickle.loads(pickle.dumps(EventHook(lambda event: heard.append(event))))
    hook.emit("created")
    assert heard == []
