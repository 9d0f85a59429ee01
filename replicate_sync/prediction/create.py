"""Creating what costs money: once, and found again where the response was lost.

The API has no idempotency key, so a create is retried only where it provably had no effect. After
any other doubt it is looked up once, among what was created since, and adopted.

An example: the connection breaks after the request was sent. The predictions of the last minute
are listed; the newest one of the same model and input that this client does not know yet is the
lost one. If there is none, the error says that a prediction may have been created.
"""

from __future__ import annotations

import json
import logging
import re
from calendar import timegm
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from math import isnan
from time import strptime, time
from typing import Any, Generic, NamedTuple, TypeVar

from ..exceptions import (
    ConnectionFailed,
    Interruption,
    InvalidInputError,
    ResponseError,
)
from ..http.config import origin
from ..http.json import serialize_json
from ..http.pagination import iterate_pages
from ..http.transport import Delivery
from ..payloads.inputs import Upload, place_files
from ..polling import NO_DEADLINE, Deadline
from ..refs import ModelRef
from . import outcomes
from .context import Context
from .prediction import CANCEL_TIMEOUT, Prediction

_Kind = TypeVar("_Kind", bound=Prediction)
_log = logging.getLogger("replicate_sync")

WEBHOOK_EVENTS = ("start", "output", "logs", "completed")

_CLOCK_TOLERANCE = 60.0  # seconds that the two clocks may differ before a first response tells
_DATE_ROUNDING = 1.0  # seconds; the date of a response has no fraction
_MONTH = 30 * 86400.0  # seconds
_MAX_LOOKED_UP = 1000  # predictions, the newest first
# The ids that a look-up must not adopt: as many as it may see, and again as many, since threads
# may register them in another order than they were created in.
_MAX_REMEMBERED = 2 * _MAX_LOOKED_UP
_MAX_HOLD = 60.0  # seconds
_LIFETIME = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_API_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)")

Matches = Callable[[Mapping[str, Any]], bool]
"""Whether what the API lists is of the model, version or deployment that was asked for."""


class PredictionRequest(NamedTuple):
    """What to run, validated; nothing of it has been sent."""

    ref: ModelRef
    #: The validated input, with an `Upload` for each file.
    input: dict[str, object]
    #: The further fields of the body, such as the webhook.
    fields: Mapping[str, object] = {}


class CreateOptions(NamedTuple):
    """How a create is sent."""

    #: Headers besides the client's.
    headers: Mapping[str, str] = {}
    deadline: Deadline = NO_DEADLINE
    #: Whether an interruption cancels what was created.
    cancel_on_exit: bool = True
    #: Whether to display a progress bar for uploads.
    progress: bool = False


class Creator:
    """Creates predictions and trainings on one account.

    Args:
        context: What they need of the client.
        place: Returns what stands for a file in an input: its data URI, or the URL of its upload.
            The second argument is whether to display a progress bar.
    """

    def __init__(self, context: Context, place: Callable[[Upload, bool], str]) -> None:
        self.context = context
        self._place = place
        self._known_ids: OrderedDict[str, object] = OrderedDict()

    def create(
        self,
        kind: type[_Kind],
        path: str,
        body: Mapping[str, Any],
        matches: Matches,
        options: CreateOptions,
        *,
        model: str | None = None,
    ) -> _Kind:
        """Create a prediction or training, once.

        Args:
            kind: Which of the two.
            path: Where it is created.
            body: The body; its `input` is validated, and its files are placed here.
            matches: Recognizes it in a list.
            options: How the request is sent.
            model: The model of the path, if any.

        Raises:
            ConnectionFailed: There was no response; `maybe_created` says what that means.
            ResponseError: The API refused, or failed; likewise.
        """
        body = {**body, "input": self.place_files(body["input"], progress=options.progress)}
        lost = _Lost(kind, body["input"], matches, time())
        delivery = Delivery()
        try:
            created = self.context.transport.request(
                "POST",
                path,
                body,
                headers=options.headers,
                model=model,
                repeatable=False,
                deadline=options.deadline,
                build=partial(kind, context=self.context),
                delivery=delivery,
            )
        except (ConnectionFailed, ResponseError) as error:
            if not _is_in_doubt(error):
                raise
            adopted = self._adopt(lost, CANCEL_TIMEOUT if options.deadline.expired else None)
            if adopted is not None:
                return adopted
            error.maybe_created = True
            listing = f"client.{kind.collection}.list()"
            error.hint = (
                f"{error.hint} A {kind.noun.lower()} may have been created; see {listing} before "
                "you create it again."
            ).strip()
            raise
        except BaseException as leaving:
            # Interrupted while the response was awaited: what was created is not wanted any more.
            if options.cancel_on_exit and delivery.in_flight:
                self._abandon_lost(lost).attach_to(leaving)
            raise
        self.register(created.id)
        created.mark_created()
        return created

    def place_files(
        self, validated: Mapping[str, object], *, progress: bool = False
    ) -> dict[str, object]:
        """Return a validated input as it is sent: each file as a data URI, or as a URL."""
        return place_files(validated, lambda upload: self._place(upload, progress))

    def find(
        self,
        kind: type[_Kind],
        placed: Mapping[str, object],
        matches: Matches,
        since: float,
        single_attempt: float | None = None,
    ) -> _Kind | None:
        """Look up once what was created since then, and is not known here; return it or None.

        Args:
            kind: What to look for.
            placed: Its input, as it was sent.
            matches: Recognizes it.
            since: When it was created at the earliest, in seconds since 1970 by this machine's
                clock; the API's own clock is inferred from its responses.
            single_attempt: The seconds of the one attempt; see `Transport.request`.
        """
        received = json.loads(serialize_json(placed))  # as the API has parsed it
        transport = self.context.transport
        after = since + transport.clock_offset - _CLOCK_TOLERANCE
        moment = datetime.fromtimestamp(after, timezone.utc)
        params = {"created_after": moment.isoformat(timespec="microseconds").replace("+00:00", "Z")}
        listed = iterate_pages(
            transport, f"/{kind.collection}", params, single_attempt=single_attempt
        )
        for data in islice(listed, _MAX_LOOKED_UP):
            is_same = isinstance(data, dict) and data.get("input") == received and matches(data)
            if not is_same or self._is_older(data, since):
                continue
            candidate = kind(data, self.context)
            if self.register(candidate.id):
                return candidate
        return None

    def register(self, *ids: str) -> bool:
        """Remember ids as known, so that no look-up adopts them; False if one already was."""
        mark = object()
        # Each in one step, so that no two threads register the same.
        new = [self._known_ids.setdefault(one, mark) is mark for one in ids]
        while len(self._known_ids) > _MAX_REMEMBERED:
            self._known_ids.popitem(last=False)
        return all(new)

    def _is_older(self, data: Mapping[str, Any], since: float) -> bool:
        created_at = parse_api_time(data.get("created_at"))
        if created_at is None:
            return False
        age = since + self.context.transport.clock_offset - _DATE_ROUNDING - created_at
        # Asked for the last minute, a server that lists one of another month does not use its
        # clock for it.
        return 0 < age < _MONTH

    def _adopt(self, lost: _Lost[_Kind], single_attempt: float | None) -> _Kind | None:
        try:
            return self.find(lost.kind, lost.input, lost.matches, lost.since, single_attempt)
        except Exception as error:  # nothing may take the place of what the create has raised
            _log.debug("what may have been created could not be looked up: %s", error)
            return None

    def _abandon_lost(self, lost: _Lost[_Kind]) -> Interruption:
        """Cancel what an interrupted create may have created, and return what became of it."""
        adopted = self._adopt(lost, CANCEL_TIMEOUT)
        if adopted is None:
            # What the API does not list was interrupted before it began, as far as can be seen.
            return Interruption(f"No {lost.kind.noun.lower()} of it was found.")
        adopted.abandon()
        return Interruption(outcomes.describe_abandoned(adopted, cancel=True), adopted)


class _Lost(Generic[_Kind]):
    """What a create without a response would have created."""

    def __init__(
        self, kind: type[_Kind], input: Mapping[str, object], matches: Matches, since: float
    ) -> None:
        self.kind = kind
        self.input = input
        self.matches = matches
        self.since = since


def webhook_fields(
    webhook: str | None, webhook_events_filter: str | Iterable[str] | None
) -> dict[str, object]:
    """Return the fields of a body that ask for a webhook.

    Args:
        webhook: The URL to call, or None.
        webhook_events_filter: One or more of "start", "output", "logs", "completed", or None.

    Raises:
        InvalidInputError: An argument is wrong.
    """
    fields: dict[str, object] = {}
    if webhook is not None:
        if origin(webhook) is None:
            raise InvalidInputError(f"webhook must be an absolute URL, not {webhook!r}.")
        fields["webhook"] = webhook
    if webhook_events_filter is not None:
        events = list(webhook_events_filter)
        if isinstance(webhook_events_filter, str):
            events = [webhook_events_filter]
        unknown = [event for event in events if event not in WEBHOOK_EVENTS]
        if unknown:
            known = ", ".join(WEBHOOK_EVENTS)
            raise InvalidInputError(f"webhook_events_filter takes {known}, not {unknown[0]!r}.")
        fields["webhook_events_filter"] = events
    return fields


def create_headers(
    context: Context,
    wait: float | bool | None,
    cancel_after: float | str | None,
    deadline: Deadline,
) -> dict[str, str]:
    """Return the headers of a create.

    Args:
        context: The client's.
        wait: For how many seconds the API may hold the response back; True for as long as it can.
        cancel_after: After how much time the API cancels it, in seconds or such as "1h30m".
        deadline: The deadline of the call.

    Raises:
        InvalidInputError: An argument is wrong.
    """
    headers: dict[str, str] = {}
    hold = context.transport.hold_seconds(_parse_wait(wait), deadline)
    if hold:
        if hold == _MAX_HOLD:
            headers["Prefer"] = "wait"
        else:
            headers["Prefer"] = f"wait={hold}"
    if cancel_after is not None:
        headers["Cancel-After"] = _parse_lifetime(cancel_after)
    return headers


def _is_in_doubt(error: ConnectionFailed | ResponseError) -> bool:
    """Return whether a create that failed so may have created something."""
    if isinstance(error, ConnectionFailed):
        return error.maybe_sent
    return error.status_code < 300 or error.status_code >= 500


def _parse_wait(wait: float | bool | None) -> float:
    if wait is None or isinstance(wait, bool):
        if wait:
            return _MAX_HOLD
        return 0.0
    if not isinstance(wait, int | float) or not wait >= 0:
        raise InvalidInputError(f"wait must be a number of seconds from 0 to 60, not {wait!r}.")
    return float(wait)


def _parse_lifetime(value: float | str) -> str:
    """Return a duration as the API takes it."""
    text = value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not isnan(float(value)):
        text = f"{value:.0f}s"
    if isinstance(text, str):
        match = _LIFETIME.fullmatch(text)
    else:
        match = None
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
    else:
        hours, minutes, seconds = (0, 0, 0)
    if not 5 <= 3600 * hours + 60 * minutes + seconds <= 86400:
        raise InvalidInputError(
            f"cancel_after is a time from 5 s to 24 h, in seconds or such as '5m', not {value!r}."
        )
    return str(text)


def parse_api_time(text: object) -> float | None:
    """Return a time such as 2026-03-01T16:19:34.765Z as seconds since 1970; None if it is none."""
    if isinstance(text, str):
        match = _API_TIME.fullmatch(text)
    else:
        match = None
    if match is None:
        return None
    try:
        return timegm(strptime(match[1], "%Y-%m-%dT%H:%M:%S")) + float(match[2] or 0)
    except ValueError:
        return None
