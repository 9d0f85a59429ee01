"""Looking up what a create without a response has made, among all that the API lists.

An example: the connection breaks 0.3 s after the request was sent. The API lists predictions since
the time of the request, by its own clock. For the second that the API may take to process a create,
the list is read again and again. Then one prediction of the same model and input has appeared that
nobody in this process holds: it is ours. Had there been two, another program would have created an
equal one in that second, and nothing could tell which is which: both would be named.
"""

from __future__ import annotations

import logging
import re
from calendar import timegm
from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import islice
from time import monotonic, sleep, strptime
from typing import Any, Generic, NamedTuple, TypeVar

from ..exceptions import InvalidInputError, ReplicateError
from ..http.connection_errors import is_retryable
from ..http.pagination import iterate_pages
from . import own_ids
from .context import Context
from .creation import Creation, Evidence, input_digest
from .prediction import Prediction

#: Seconds within which the API lists what it was sent.
PROCESSING_TIME = 1.0

_FIRST_PAUSE = 0.05  # seconds between two look-ups; each further one is longer by a half
_MIN_SECONDS = 0.3  # that a look-up may take, although the deadline has passed
_MAX_TIMES = 5  # the processing time, that a look-up may take in all
_DATE_ROUNDING = 1.0  # seconds; where the API's clock is not known
_CLOCK_TOLERANCE = 86400.0  # seconds that the two clocks may differ before a response tells
_LONGEST_ATTEMPT = 900.0  # seconds from the first byte that is sent to the creation
_MONTH = 30 * 86400.0  # seconds
_MAX_LISTED = 10_000  # predictions, the newest first
_API_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)")

_Kind = TypeVar("_Kind", bound=Prediction)
_log = logging.getLogger("replicate_sync")


class LookUp(Generic[_Kind]):
    """What a look-up has shown.

    Args:
        prediction: What was created, if that is proved. It is held by this process now.
        candidates: The ids of those that it may be, where nothing proves which.
        is_absent: Whether all that could be it was listed, and nothing was there.
    """

    def __init__(self, prediction: _Kind | None, candidates: list[str], *, is_absent: bool) -> None:
        self.prediction = prediction
        self.candidates = candidates
        self.is_absent = is_absent


class _Listed(NamedTuple):
    """What the API listed of the time in question."""

    #: Those of the same model and input, the oldest first.
    equal: list[dict[str, Any]]
    #: The ids of those whose input the API has removed.
    unprovable: list[str]
    #: Whether all of them were listed.
    is_complete: bool
    #: Whether another attempt may list more.
    may_pass: bool = True


def find_lost(
    creation: Creation[_Kind], context: Context, *, seconds: float, is_leaving: bool
) -> LookUp[_Kind]:
    """Look up what a create that is in doubt has made, until that is as certain as it can be.

    Args:
        creation: The create.
        context: The client's.
        seconds: How long it may take.
        is_leaving: Whether the caller leaves, who is kept for no more than a second.
    """
    now = monotonic()
    settled_at = creation.sent_at + PROCESSING_TIME
    if is_leaving:
        end = now + seconds
        enough_at = min(end, now + PROCESSING_TIME)
    else:
        end = now + min(max(seconds, _MIN_SECONDS), _MAX_TIMES * PROCESSING_TIME)
        enough_at = min(end, settled_at + PROCESSING_TIME)
    pause = _FIRST_PAUSE
    while True:
        rivals = set(creation.rivals())
        listed = _list(creation.kind, creation.evidence, context, max(end - monotonic(), 0.01))
        rivals.update(creation.rivals())
        sent = sum(rival.state == "sent" for rival in rivals)
        now = monotonic()
        if listed.equal and not sent and now >= min(settled_at, end):
            break
        if not listed.may_pass or now + pause >= (enough_at if listed.is_complete else end):
            break
        sleep(pause)
        pause *= 1.5
    in_doubt = 1 + sum(rival.state == "in doubt" for rival in rivals)
    return _decide(creation.kind, listed, context, sent, in_doubt)


def find_earlier(
    kind: type[_Kind], evidence: Evidence, context: Context, *, seconds: float, in_doubt: int = 1
) -> LookUp[_Kind]:
    """Look up once what an earlier process may have created.

    Args:
        kind: Predictions or trainings.
        evidence: What it had noted before.
        context: The client's.
        seconds: How long it may take.
        in_doubt: How many such creates of that process are in doubt.
    """
    listed = _list(kind, evidence, context, seconds, before=_LONGEST_ATTEMPT)
    return _decide(kind, listed, context, 0, in_doubt)


def _decide(
    kind: type[_Kind], listed: _Listed, context: Context, sent: int, in_doubt: int
) -> LookUp[_Kind]:
    """Return what the list proves.

    Args:
        kind: Predictions or trainings.
        listed: What the API listed.
        context: The client's.
        sent: How many equal creates of this process await their responses.
        in_doubt: How many are in doubt, with the one in question.
    """
    base_url = context.transport.base_url
    equal = [data for data in listed.equal if not own_ids.is_held(base_url, data.get("id"))]
    is_proved = listed.is_complete and sent < len(equal) <= sent + in_doubt
    if is_proved and not listed.unprovable:
        for data in equal:
            prediction = kind(data, context)
            if own_ids.adopt(base_url, prediction.id):
                return LookUp(prediction, [], is_absent=False)
    candidates = [str(data.get("id")) for data in equal] + listed.unprovable
    return LookUp(None, candidates, is_absent=listed.is_complete and not candidates)


def _list(
    kind: type[Prediction],
    evidence: Evidence,
    context: Context,
    seconds: float,
    before: float | None = None,
) -> _Listed:
    transport = context.transport
    since = _earliest(evidence, context)
    asked_since = since
    if not transport.clock.is_known and not evidence.is_server_time:
        asked_since = since - _CLOCK_TOLERANCE
    params = {"created_after": _api_time(asked_since)}
    if before is not None:
        params["created_before"] = _api_time(since + before)
    equal: list[dict[str, Any]] = []
    unprovable: list[str] = []
    is_complete = False
    may_pass = True
    remaining = _MAX_LISTED
    try:
        listed = iterate_pages(transport, f"/{evidence.collection}", params, single_attempt=seconds)
        for data in islice(listed, _MAX_LISTED):
            remaining -= 1
            since = _earliest(evidence, context)  # the first page may have told the time
            if not _may_be(data, evidence, since, before):
                continue
            if own_ids.is_held(transport.base_url, data.get("id")):
                continue
            if data.get("data_removed"):
                unprovable.append(str(data.get("id")))
            elif _has_input(data, evidence):
                equal.insert(0, data)
        is_complete = remaining > 0
    except ReplicateError as error:
        _log.debug("what may have been created could not be looked up: %s", error)
        may_pass = is_retryable(error)
    return _Listed(equal, unprovable, is_complete, may_pass)


def _earliest(evidence: Evidence, context: Context) -> float:
    """Return when it was created at the earliest, by the API's clock."""
    clock = context.transport.clock
    if evidence.is_server_time:
        return evidence.after
    if clock.is_known:
        return clock.earliest(evidence.after)
    return evidence.after - _DATE_ROUNDING


def _may_be(data: object, evidence: Evidence, since: float, before: float | None) -> bool:
    """Return whether what the API lists is of this model, and of this time."""
    if not isinstance(data, Mapping):
        return False
    if any(data.get(name) != value for name, value in evidence.fields.items()):
        return False
    created_at = parse_api_time(data.get("created_at"))
    if created_at is None or abs(since - created_at) > _MONTH:
        # A server that lists one of another month as new does not use its clock for that.
        return True
    return created_at >= since and (before is None or created_at < since + before)


def _has_input(data: Mapping[str, Any], evidence: Evidence) -> bool:
    try:
        return input_digest(data.get("input")) == evidence.digest
    except (InvalidInputError, ValueError, RecursionError):
        return False


def _api_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


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
