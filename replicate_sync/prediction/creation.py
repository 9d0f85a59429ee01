"""One create as a value with states: what may exist by now, what proves it, and whose it is.

The API has no idempotency key, so what a failure leaves behind has to be known of every create. All
who ask (retries, look-ups, interrupts, a fork, a map, a journal) ask this value, which sends
nothing itself. The transport reports how much of the request has left; this value concludes.

    state        event                                                   next state
    planned      an attempt begins: `before_send` is called              sent
    sent         refused (4xx); or nothing of it had left                rejected
    sent         lost: reset, silence, 5xx, an unusable response         in doubt
    sent         the caller leaves: nothing of it had left               rejected
    sent         the caller leaves                                       in doubt
    sent         a prediction is the response                            created
    rejected     429, or nothing had left: another attempt begins        sent
    in doubt     the beginning of the response, or a look-up, proves     created
                 which prediction it made
    in doubt     the look-ups are over: the error says so                in doubt
    created      somebody waits or streams                               supervised
    supervised   the prediction has ended                                finished
    supervised   an error that leaves it running (timeout, network)      created
    created, supervised   the caller leaves: it is canceled, or said     abandoned
    in doubt     the caller leaves, or left: likewise, where it is found abandoned
    any          its process was forked: the child is not its owner, and leaves nothing behind

What a look-up finds is proved to be ours if it has the same model and input, was created while the
request was under way (by the server's clock), nobody in this process holds it, and there are no
more such predictions than creates of this process that may have made them. Anything else is only
probably ours: it is named, and neither adopted nor canceled.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..exceptions import ConnectionFailed, ReplicateError, ResponseError
from ..http.json import serialize_json

if TYPE_CHECKING:
    from typing import Literal

    from ..http.adapter import Delivery
    from ..http.clock import ServerClock
    from .prediction import Prediction

    State = Literal[
        "planned", "sent", "rejected", "in doubt", "created", "supervised", "finished", "abandoned"
    ]

_Kind = TypeVar("_Kind", bound="Prediction")

#: What ends a call because its caller leaves.
LEAVING = (KeyboardInterrupt, SystemExit, GeneratorExit)

# The API writes it first, before an input that may be long.
_ID_AT_BEGINNING = rb'\s*\{\s*"id"\s*:\s*"([A-Za-z0-9._~=-]+)"'  # compiled when needed

_LEFT_BEFORE = "The caller had left before it was sent."


class Evidence:
    """What tells the prediction of one create from all others. It can be kept as JSON.

    Args:
        collection: "predictions" or "trainings".
        fields: Fields that it has, such as its model.
        digest: The hash of its input as it was sent, with the URLs of its files.
        after: When it was created at the earliest, in seconds since 1970 by the API's clock.
        is_server_time: Whether that is the API's clock; else it is this machine's, as no response
            had told.
    """

    def __init__(
        self,
        collection: str,
        fields: Mapping[str, str],
        digest: str,
        after: float,
        is_server_time: bool,
    ) -> None:
        self.collection = collection
        self.fields = fields
        self.digest = digest
        self.after = after
        self.is_server_time = is_server_time

    def is_equal_to(self, other: Evidence) -> bool:
        """Return whether another create makes the same, whenever that is."""
        theirs = (other.collection, other.fields, other.digest)
        return theirs == (self.collection, self.fields, self.digest)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        """Return what `to_json` returned, read again."""
        return cls(**data)


class Creation(Generic[_Kind]):
    """One create, from before it is sent until nobody cares any more.

    Args:
        kind: What it creates: predictions or trainings.
        path: Where.
        body: The body, with its files placed.
        fields: What a prediction of it has besides its input; see `Evidence`.
        clock: The API's.
    """

    #: Called before each attempt with what identifies it: for what must be on disk before. What it
    #: raises ends the create; nothing was sent.
    before_send: Callable[[Evidence], None] | None = None

    def __init__(
        self,
        kind: type[_Kind],
        path: str,
        body: Mapping[str, Any],
        fields: Mapping[str, str],
        clock: ServerClock,
    ) -> None:
        from ..http.adapter import Delivery  # late, as are all who import requests

        self.kind = kind
        self.path = path
        self.body = body
        #: The base URL of the API, which ids belong to.
        self.base_url = ""
        #: The process that it belongs to.
        self.owner: int = os.getpid()
        self.state: State = "planned"
        #: What was created, once that is known.
        self.prediction: _Kind | None = None
        #: How far the latest attempt got.
        self.delivery: Delivery = Delivery()
        self.delivery.before_attempt = self._begin_attempt
        #: Whether the caller has left, and wants nothing of it any more.
        self.is_unwanted: bool = False
        #: When the latest attempt began, by `time.monotonic`.
        self.sent_at: float = monotonic()
        #: What a prediction of it has besides its input; see `Evidence`.
        self.fields = fields
        self._clock = clock
        self._digest = ""

    @property
    def is_ours(self) -> bool:
        """Whether it belongs to this process: a forked child has none of its parent's."""
        return self.owner == os.getpid()

    @property
    def evidence(self) -> Evidence:
        """What identifies it, by what is known of the API's clock now."""
        if not self._digest:
            self._digest = input_digest(self.body["input"])
        return Evidence(
            self.kind.collection,
            self.fields,
            self._digest,
            self._clock.earliest(self.sent_at),
            self._clock.is_known,
        )

    @classmethod
    def of(cls, prediction: _Kind, clock: ServerClock) -> Creation[_Kind]:
        """Return the creation of a prediction that this process has not created itself."""
        creation = cls(type(prediction), "", {}, {}, clock)
        creation.resolve(prediction)
        return creation

    def _begin_attempt(self) -> None:
        if self.is_unwanted:
            raise ReplicateError(_LEFT_BEFORE)
        self.sent_at = monotonic()
        if self.before_send is not None:
            self.before_send(self.evidence)
        _pending[id(self)] = self
        self.state = "sent"
        # Who leaves in another thread meanwhile has either seen that state, or is seen here.
        if self.is_unwanted:
            self.forget("rejected")  # type: ignore[unreachable]  # another thread sets it
            raise ReplicateError(_LEFT_BEFORE)

    def may_be_sent_again(self, error: BaseException) -> bool:
        """Take over that an attempt has failed, and return whether another one is safe."""
        self.fail(error)
        from ..http.connection_errors import was_not_processed

        return self.state == "rejected" and was_not_processed(error)

    def fail(self, error: BaseException) -> None:
        """Take over that an attempt has failed, or that its caller has left."""
        if self.state != "sent":
            return
        is_possible = self.delivery.sent != "nothing"
        if isinstance(error, ConnectionFailed):
            is_possible = error.maybe_sent
        elif isinstance(error, ResponseError):
            # 303 says that the result is elsewhere: the create was processed.
            status = error.status_code
            is_possible = status < 300 or status == 303 or status >= 500
        if is_possible:
            self.state = "in doubt"
        else:
            self.forget("rejected")

    def resolve(self, prediction: _Kind) -> None:
        """Take over which prediction it has made."""
        self.prediction = prediction
        prediction.creation = self
        self.state = "created"
        _pending.pop(id(self), None)

    def supervise(self, *, cancel: bool) -> None:
        """Take over that this process waits for the prediction.

        Args:
            cancel: Whether it is to be canceled when the program ends.
        """
        self.owner = os.getpid()
        self.state = "supervised"
        if cancel:
            supervised[id(self)] = self

    def release(self, *, has_ended: bool) -> None:
        """Take over that nobody waits for the prediction any more, for whatever reason."""
        supervised.pop(id(self), None)
        if self.state == "supervised":
            self.state = "finished" if has_ended else "created"

    def forget(self, state: State) -> None:
        """Go on to a state in which nothing is in doubt."""
        self.state = state
        _pending.pop(id(self), None)

    @property
    def announced_id(self) -> str | None:
        """The id at the beginning of a response that did not arrive to its end."""
        match = None
        if 200 <= self.delivery.status < 300:
            match = re.match(_ID_AT_BEGINNING, self.delivery.beginning)
        if match is None:
            return None
        return match[1].decode()

    def rivals(self) -> Iterator[Creation[Any]]:
        """Yield the other creates of this process that may have made an equal prediction."""
        evidence = self.evidence
        for other in list(_pending.values()):
            is_other = other is not self and other.base_url == self.base_url
            if is_other and other.evidence.is_equal_to(evidence):
                yield other


def is_under_way(base_url: str, evidence: Evidence) -> bool:
    """Return whether this process has not learned yet what an equal create has made."""
    return any(
        creation.base_url == base_url and creation.evidence.is_equal_to(evidence)
        for creation in list(_pending.values())
    )


def input_digest(placed: object) -> str:
    """Return the hash of an input by its value: the order of keys, and 1 or 1.0, do not matter."""
    received = json.loads(serialize_json(placed), parse_float=_number)
    return sha256(json.dumps(received, sort_keys=True).encode()).hexdigest()


def _number(text: str) -> float | int:
    number = float(text)
    if number.is_integer():
        return int(number)
    return number


# The creates of this process of which it is not known yet what they have made.
_pending: dict[int, Creation[Any]] = {}
#: What is waited for or streamed now, and is to be canceled when the program ends.
supervised: dict[int, Creation[Any]] = {}


def _leave_to_parent() -> None:
    _pending.clear()
    supervised.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
