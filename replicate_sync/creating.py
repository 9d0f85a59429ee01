"""Creating what costs money: once, with its files in place, and found again where its answer was lost.

There is no idempotency key, so a create is repeated only where it provably did nothing. After any other doubt it is looked
for, once, among what was created since.
"""

from __future__ import annotations

import json
import logging
import re
from calendar import timegm
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from itertools import islice
from time import strptime, time
from typing import Any, TypeVar

from . import inputs, verdicts
from .deadlines import NEVER, Deadline
from .errors import ConnectionFailed, InvalidInputError, ReplicateError, ResponseError, ServerError, add, stopped
from .nouns import pages
from .polling import Polling
from .predictions import PARTING, Prediction
from .settings import origin
from .transport import Transport

_Run = TypeVar("_Run", bound=Prediction)
_log = logging.getLogger("replicate_sync")

EVENTS = ("start", "output", "logs", "completed")

_SLACK = 60.0  # seconds that this machine's clock and the API's may differ before a first answer has told
_ROUNDING = 1.0  # seconds: an answer's date has no fraction
_ANOTHER_MONTH = 30 * 86400.0  # seconds
_LOOKED_THROUGH = 1000  # predictions, the newest first, in the look-up for a lost one
# Ids of own predictions, so that a look-up never takes one that is not lost for the lost one: as many as it may see, and
# more than that may be claimed in another order than they were created in, by threads.
_REMEMBERED = 2 * _LOOKED_THROUGH
_LIFETIME = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


class Creations:
    """Creates predictions and trainings on one account; `find` finds one whose answer was lost."""

    def __init__(self, transport: Transport, polling: Polling, place: Callable[[inputs.Upload, bool], str]) -> None:
        if not isinstance(polling, Polling):
            raise InvalidInputError(f"polling must be a Polling value, not {polling!r}.")
        self.transport = transport
        self.polling = polling
        self._place = place
        self._own: OrderedDict[str, object] = OrderedDict()

    def create(
        self,
        kind: type[_Run],
        path: str,
        body: Mapping[str, Any],
        same: Callable[[Mapping[str, Any]], bool],
        *,
        model: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit: Deadline = NEVER,
        cancel: bool = True,
        progress: bool = False,
    ) -> _Run:
        """Create, once, what `same` will know again in a list. `body["input"]` is a checked one; its files are placed."""
        body = {**body, "input": self.placed(body["input"], progress)}
        since = time()
        try:
            data = self.transport.request("POST", path, body, headers=headers, model=model, repeatable=False, deadline=limit)
            made = kind(data, self.transport, self.polling)
        except (ConnectionFailed, ResponseError) as error:
            if not _in_doubt(error):
                raise
            if found := self._adopted(kind, body["input"], same, since, PARTING if limit.passed else None):
                return found
            if isinstance(error, ConnectionFailed | ServerError):
                error.maybe_created = True
            noun, listed = kind.noun.lower(), f"client.{kind.collection}.list()"
            add(error, f"A {noun} may have been created; see {listed} before you create it again.")
            raise
        except BaseException as leaving:
            # Interrupted while the answer was awaited: what was created is not wanted any more.
            if cancel and getattr(leaving, "in_the_air", False):
                found = self._adopted(kind, body["input"], same, since, PARTING)
                if found:
                    found.abandon()
                # One that the API does not show was stopped before it began, as far as can be seen.
                stopped(leaving, verdicts.aftermath(found, cancel) if found else f"No {kind.noun.lower()} of it was found.")
            raise
        self.claim(made.id)
        return made

    def placed(self, draft: Mapping[str, Any], progress: bool = False) -> dict[str, Any]:
        """Give a checked input as the API is sent it: each file in it as a data URI, or uploaded, as its address."""
        return inputs.sent(draft, lambda upload: self._place(upload, progress))

    def find(
        self,
        kind: type[_Run],
        given: Mapping[str, Any],
        same: Callable[[Mapping[str, Any]], bool],
        since: float,
        parting: float | None = None,
    ) -> _Run | None:
        """Look once for what was created with this input since then, and nobody here knows of.

        `since`: seconds since 1970 by this machine's clock; the API's own is reckoned from its answers.
        """
        given = json.loads(inputs.encode(given))  # as the API will have read it
        asked = datetime.fromtimestamp(since + self.transport.ahead() - _SLACK, timezone.utc)
        params = {"created_after": asked.isoformat(timespec="microseconds").replace("+00:00", "Z")}
        for data in islice(pages(self.transport, f"/{kind.collection}", params, parting=parting), _LOOKED_THROUGH):
            if not isinstance(data, dict) or data.get("input") != given or not same(data):
                continue
            created = _moment(data.get("created_at"))
            before = since + self.transport.ahead() - _ROUNDING - (created or 0)
            # Asked for the last minute, a server that shows one of another month does not tell the time with it.
            if created is not None and 0 < before < _ANOTHER_MONTH:
                continue
            found = kind(data, self.transport, self.polling)
            if self.claim(found.id):
                return found
        return None

    def claim(self, *ids: str) -> bool:
        """Remember ids as one's own; False where one already was."""
        mark = object()
        # One step each, so that no two threads claim the same.
        new = [self._own.setdefault(one, mark) is mark for one in ids]
        while len(self._own) > _REMEMBERED:
            self._own.popitem(last=False)
        return all(new)

    def _adopted(
        self,
        kind: type[_Run],
        given: Mapping[str, Any],
        same: Callable[[Mapping[str, Any]], bool],
        since: float,
        parting: float | None,
    ) -> _Run | None:
        try:
            return self.find(kind, given, same, since, parting)
        except ReplicateError as fault:
            _log.debug("what may have been created could not be looked for: %s", fault)
            return None


def options(webhook: str | None, webhook_events_filter: Any, **more: Any) -> dict[str, Any]:
    """Give the fields of a create besides the input; those that are None are left out."""
    if webhook is not None and origin(webhook) is None:
        raise InvalidInputError(f"webhook must be an absolute URL, not {webhook!r}.")
    if webhook_events_filter is not None:
        events = [webhook_events_filter] if isinstance(webhook_events_filter, str) else list(webhook_events_filter)
        if wrong := [event for event in events if event not in EVENTS]:
            raise InvalidInputError(f"webhook_events_filter knows {', '.join(EVENTS)}, not {wrong[0]!r}.")
        more["webhook_events_filter"] = events
    return {name: value for name, value in {"webhook": webhook, **more}.items() if value is not None}


def headers(transport: Transport, wait: Any, cancel_after: Any, limit: Deadline) -> dict[str, str]:
    """Give the headers of a create: for how long the API is to hold its answer, and when it is to cancel by itself."""
    hold = transport.hold(_seconds(wait), limit)
    found = {"Prefer": f"wait={hold}" if hold != 60 else "wait"} if hold else {}
    return found if cancel_after is None else {**found, "Cancel-After": _lifetime(cancel_after)}


def _in_doubt(error: ConnectionFailed | ResponseError) -> bool:
    """Whether a create that ended so may have created something."""
    if isinstance(error, ConnectionFailed):
        return error.maybe_sent
    return error.status_code is None or error.status_code < 300 or error.status_code >= 500


def _seconds(wait: Any) -> float:
    """Read a number of seconds; True is as long as the API allows, False and None not at all."""
    if wait is None or isinstance(wait, bool):
        return 60.0 if wait else 0.0
    if not isinstance(wait, int | float) or not wait >= 0:
        raise InvalidInputError(f"wait must be a number of seconds from 0 to 60, not {wait!r}.")
    return float(wait)


def _lifetime(given: Any) -> str:
    """Write a time as the API reads it: "30s", "1h30m"; a number is one of seconds."""
    text = f"{given:.0f}s" if isinstance(given, int | float) and not isinstance(given, bool) and given == given else given
    found = _LIFETIME.fullmatch(text) if isinstance(text, str) else None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if not 5 <= 3600 * hours + 60 * minutes + seconds <= 86400:
        raise InvalidInputError(f"cancel_after is a time from 5 s to 24 h, in seconds or such as '5m', not {given!r}.")
    return str(text)


def _moment(text: Any) -> float | None:
    """Read a time such as 2026-03-01T16:19:34.765Z, with any number of digits, as seconds since 1970."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)", text) if isinstance(text, str) else None
    if not found:
        return None
    try:
        return timegm(strptime(found[1], "%Y-%m-%dT%H:%M:%S")) + float(found[2] or 0)
    except ValueError:
        return None
