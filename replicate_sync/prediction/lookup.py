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
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from time import monotonic, sleep, strptime, time
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from ..exceptions import InvalidInputError, ReplicateError, UnexpectedDataError
from ..http.pagination import iterate_pages
from . import own_ids
from .context import Context
from .creation import Creation, Evidence, input_digest
from .prediction import Prediction

if TYPE_CHECKING:
    from ..http.clock import ServerClock

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
_MAX_OLDER = 100  # in a row, behind which nothing new comes
_API_TIME = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)"  # compiled when needed

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


class _Listed:
    """What the API listed of the time in question.

    Args:
        equal: Those of the same model, input and time, the oldest first.
        unprovable: The ids of those of which something is not known any more, or speaks against it.
        is_complete: Whether all of them were listed.
        may_pass: Whether another attempt may list more.
    """

    def __init__(
        self,
        equal: list[Prediction],
        unprovable: list[str],
        is_complete: bool,
        may_pass: bool,
    ) -> None:
        self.equal = equal
        self.unprovable = unprovable
        self.is_complete = is_complete
        self.may_pass = may_pass


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
    window = partial(_window_of, creation, context.transport.clock)
    pause = _FIRST_PAUSE
    while True:
        rivals = set(creation.rivals())
        remaining = end - monotonic()
        if remaining > 2 * PROCESSING_TIME:
            remaining /= 2  # a connection that is silent must not take all of the time
        listed = _list(
            creation.kind, creation.evidence, context, window, remaining, sent_at=creation.sent_at
        )
        rivals.update(creation.rivals())
        # Where a whole map is left, it does not matter which of equal ones is whose.
        sent = sum(rival.state == "sent" and not rival.is_unwanted for rival in rivals)
        now = monotonic()
        if listed.equal and not sent and now >= min(settled_at, end):
            break
        if not listed.may_pass or now + pause >= (enough_at if listed.is_complete else end):
            break
        sleep(pause)
        pause *= 1.5
    in_doubt = 1 + sum(rival.state in ("sent", "in doubt") for rival in rivals) - sent
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
    window = partial(_earlier_window, evidence, context.transport.clock)
    listed = _list(kind, evidence, context, window, seconds, is_bounded=True)
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
    equal = [one for one in listed.equal if not own_ids.is_held(base_url, one.id)]
    is_proved = listed.is_complete and sent < len(equal) <= sent + in_doubt
    if is_proved and not listed.unprovable:
        for found in equal:
            if own_ids.adopt(base_url, found.id):
                return LookUp(cast(_Kind, found), [], is_absent=False)
    candidates = [found.id for found in equal] + listed.unprovable
    return LookUp(None, candidates, is_absent=listed.is_complete and not candidates)


class _Window:
    """When it was created, by the API's clock, in seconds since 1970.

    Args:
        since: At the earliest.
        until: At the latest; None where that is not known.
        is_known: Whether a response had told that clock, so that nothing else can be meant.
    """

    def __init__(self, since: float, until: float | None, is_known: bool) -> None:
        self.since = since
        self.until = until
        #: By how many seconds both may be wrong.
        self.tolerance: float = 0.0 if is_known else _CLOCK_TOLERANCE


def _window_of(creation: Creation[Any], clock: ServerClock) -> _Window:
    """Return the window of a create: the API processes it as soon as all of it has arrived."""
    rounding = 0.0 if clock.is_known else _DATE_ROUNDING
    left_at = creation.delivery.left_at
    until = None
    if left_at is not None:
        until = clock.latest(left_at) + 2 * PROCESSING_TIME + rounding
    return _Window(creation.evidence.after - rounding, until, clock.is_known)


def _earlier_window(evidence: Evidence, clock: ServerClock) -> _Window:
    """Return the window of a create of an earlier process, which may have been sent slowly."""
    since = evidence.after
    if not evidence.is_server_time:
        since = clock.earliest(since - time() + monotonic())
        if not clock.is_known:
            since -= _DATE_ROUNDING
    # If only this machine's clock was known, it may have been set since then.
    return _Window(since, since + _LONGEST_ATTEMPT, evidence.is_server_time)


def _list(
    kind: type[Prediction],
    evidence: Evidence,
    context: Context,
    window: Callable[[], _Window],
    seconds: float,
    *,
    sent_at: float = 0.0,
    is_bounded: bool = False,
) -> _Listed:
    """List what a create may have made.

    Args:
        kind: Predictions or trainings.
        evidence: What identifies it.
        context: The client's.
        window: Returns when it was created, as well as that is known by then.
        seconds: How long this may take.
        sent_at: When it was sent, by `time.monotonic`: what was listed before is not its own.
        is_bounded: Whether to ask for nothing that is newer.
    """
    from ..http.connection_errors import is_retryable

    transport = context.transport
    within = window()
    params = {"created_after": _api_time(within.since - within.tolerance)}
    if is_bounded and within.until is not None:
        params["created_before"] = _api_time(within.until + within.tolerance)
    equal: list[Prediction] = []
    unprovable: list[str] = []
    is_complete = False
    may_pass = True
    remaining = _MAX_LISTED
    older = 0  # in a row
    try:
        pages = iterate_pages(
            transport, f"/{evidence.collection}", params, single_attempt=max(seconds, 0.01)
        )
        for data in islice(pages, _MAX_LISTED):
            if remaining == _MAX_LISTED:
                within = window()  # the first page may have told the time
            remaining -= 1
            when = _compare_time(data, within)
            older = older + 1 if when == "older" else 0
            if older >= _MAX_OLDER:
                break
            found = _parse_equal(kind, data, evidence, context)
            if when == "older" or found is None:
                continue
            if own_ids.first_listed_at(transport.base_url, found.id) < sent_at:
                continue
            if found.data_removed or when != "in time":
                unprovable.append(found.id)
            else:
                equal.insert(0, found)
        is_complete = remaining > 0
    except ReplicateError as error:
        _log.debug("what may have been created could not be looked up: %s", error)
        may_pass = is_retryable(error)
    return _Listed(equal, unprovable, is_complete, may_pass)


def _compare_time(data: object, window: _Window) -> Literal["older", "in time", "uncertain"]:
    """Return when what the API lists was created."""
    created_at = None
    if isinstance(data, Mapping):
        created_at = parse_api_time(data.get("created_at"))
    if created_at is None or abs(window.since - created_at) > _MONTH:
        # A server that lists one of another month as new does not use its clock for that.
        return "in time"
    if created_at < window.since - window.tolerance:
        return "older"
    if created_at < window.since or (window.until is not None and created_at > window.until):
        return "uncertain"
    return "in time"


def _parse_equal(
    kind: type[_Kind], data: object, evidence: Evidence, context: Context
) -> _Kind | None:
    """Return what the API lists, if it has the same model and input, as far as that is known."""
    try:
        found = kind(data, context)
    except UnexpectedDataError:
        return None
    if any(found.raw.get(name) != value for name, value in evidence.fields.items()):
        return None
    if own_ids.is_held(context.transport.base_url, found.id):
        return None
    if found.data_removed or _has_input(found.raw, evidence):
        return found
    return None


def _has_input(data: Mapping[str, Any], evidence: Evidence) -> bool:
    try:
        return input_digest(data.get("input")) == evidence.digest
    except (InvalidInputError, ValueError, RecursionError):
        return False


def _api_time(seconds: float) -> str:
    time_in_utc = datetime.fromtimestamp(seconds, timezone.utc)
    return time_in_utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_api_time(text: object) -> float | None:
    """Return a time such as 2026-03-01T16:19:34.765Z as seconds since 1970; None if it is none."""
    if isinstance(text, str):
        match = re.fullmatch(_API_TIME, text)
    else:
        match = None
    if match is None:
        return None
    try:
        return timegm(strptime(match[1], "%Y-%m-%dT%H:%M:%S")) + float(match[2] or 0)
    except ValueError:
        return None
