"""Creating what costs money: once, and found again where the response was lost.

What may have been created by a failed request, and what follows from that, is decided by the states
of `creation`; what was created is found by `lookup`. Here the requests are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from ..deadline import Deadline
from ..exceptions import ConnectionFailed, Interruption, ReplicateError, ResponseError
from ..http.request import validate_segments
from ..payloads.inputs import place_files
from . import lookup, outcomes, own_ids
from .context import Context
from .create_options import CreateOptions
from .creation import Creation
from .leaving import CANCEL_TIMEOUT
from .prediction import Prediction

if TYPE_CHECKING:
    from ..payloads.upload import Upload

# The part of what remains until the deadline, and the seconds at most, that a create leaves for
# looking up what it made.
_RESERVE = 1 / 8
_MAX_RESERVE = 1.0

_Kind = TypeVar("_Kind", bound=Prediction)


class Creator:
    """Creates predictions and trainings on one account.

    Args:
        context: What they need of the client.
        place: Returns what stands for a file in an input: its data URI, or the URL of its upload.
            The second argument is whether to display a progress bar, the third the deadline.
    """

    def __init__(self, context: Context, place: Callable[[Upload, bool, Deadline], str]) -> None:
        self.context = context
        #: Returns what stands for a file in an input.
        self.place = place

    def create(
        self,
        kind: type[_Kind],
        path: str,
        body: Mapping[str, Any],
        fields: Mapping[str, str],
        options: CreateOptions,
        *,
        model: str | None = None,
    ) -> _Kind:
        """Create a prediction or training, once: `plan` and `send`."""
        return self.send(self.plan(kind, path, body, fields, options), options, model=model)

    def plan(
        self,
        kind: type[_Kind],
        path: str,
        body: Mapping[str, Any],
        fields: Mapping[str, str],
        options: CreateOptions,
    ) -> Creation[_Kind]:
        """Return a create that is ready to be sent: its files are uploaded, nothing is created.

        Args:
            kind: Predictions or trainings.
            path: Where it is created.
            body: The body; its `input` is validated, and its files are placed here.
            fields: What the API says of it besides its input, such as its model.
            options: How it is sent.
        """
        validate_segments(path)
        transport = self.context.transport

        def place(upload: Upload) -> str:
            return self.place(upload, options.progress, options.deadline)

        body = {**body, "input": place_files(body["input"], place)}
        return Creation(kind, path, body, fields, transport.clock)

    def place_files(
        self, validated: Mapping[str, object], options: CreateOptions
    ) -> dict[str, object]:
        """Return a validated input as it is sent: each file as a data URI, or as a URL."""
        return place_files(
            validated, lambda upload: self.place(upload, options.progress, options.deadline)
        )

    def send(
        self, creation: Creation[_Kind], options: CreateOptions, *, model: str | None = None
    ) -> _Kind:
        """Send a create once, and return what it has created.

        Args:
            creation: The create.
            options: How it is sent.
            model: The model of the path, if any.

        Raises:
            ConnectionFailed: There was no response; `maybe_created` says what that means.
            ResponseError: The API refused, or failed; likewise.
        """
        transport = self.context.transport
        deadline = options.deadline
        if deadline.end < inf:
            deadline = _with_reserve(deadline)
        taken: list[_Kind] = []
        try:
            creation.base_url = transport.current_url or transport.base_url
            try:
                created = transport.request(
                    "POST",
                    creation.path,
                    creation.body,
                    headers=options.headers,
                    model=model,
                    repeatable=False,
                    deadline=deadline,
                    build=partial(self._take, creation, taken),
                    delivery=creation.delivery,
                    retry_if=creation.may_be_sent_again,
                )
            except (ConnectionFailed, ResponseError) as error:
                created = self._recover(creation, error, options.deadline)
            else:
                if taken:
                    created = self._exchange(creation, created)
            if creation.is_unwanted:
                created.abandon()
                raise ReplicateError(outcomes.describe_abandoned(created, cancel=True))
            return created
        except Exception as error:
            if creation.state in ("planned", "sent"):
                creation.fail(error)
                creation.forget(creation.state)  # nobody looks it up any more
            raise
        except BaseException as leaving:
            self.leave(creation, leaving, cancel=options.cancel_on_exit)
            raise

    def _take(self, creation: Creation[_Kind], taken: list[_Kind], data: object) -> _Kind:
        """Return what a create has made, by its response; nobody else may take it from now on.

        Where somebody has taken it already, it is appended to `taken`.
        """
        created = creation.kind(data, self.context)
        known = creation.prediction  # another thread has looked it up, to cancel it
        creation.resolve(created)
        creation.delivery.before_attempt = None  # there is none any more, and it refers to this one
        created.mark_created(creation.sent_at)
        transport = self.context.transport
        is_taken = own_ids.register(transport.current_url, created.id, since=creation.sent_at)
        if is_taken and (known is None or known.id != created.id):
            taken.append(created)
        return created

    def _recover(
        self, creation: Creation[_Kind], error: ConnectionFailed | ResponseError, deadline: Deadline
    ) -> _Kind:
        """Return what a create has made although its request failed; raise its error otherwise."""
        creation.fail(error)
        if creation.state != "in doubt":
            raise error
        found = self._find(creation, deadline)
        if found.prediction is None:
            creation.forget("in doubt")
            _explain_doubt(error, creation, found.candidates)
            raise error
        return found.prediction

    def _announced(self, creation: Creation[_Kind]) -> _Kind | None:
        """Return what a response has named before it broke, as far as that is known."""
        if creation.announced_id is None:
            return None
        named = creation.kind({"id": creation.announced_id, "status": "starting"}, self.context)
        creation.resolve(named)
        named.mark_created(creation.sent_at)
        own_ids.register(creation.base_url, named.id)
        return named

    def _find(self, creation: Creation[_Kind], deadline: Deadline) -> lookup.LookUp[_Kind]:
        named = self._announced(creation)
        if named is not None:
            path = f"/{named.collection}/{named.id}"
            with suppress(ReplicateError):  # it is certain, and is polled anyway
                self.context.transport.request("GET", path, deadline=deadline, build=named.update)
            return lookup.LookUp(named, [], is_absent=False)
        found = lookup.find_lost(
            creation, self.context, seconds=deadline.remaining, is_leaving=False
        )
        if found.prediction is not None:
            creation.resolve(found.prediction)
            found.prediction.mark_created(creation.sent_at)
        return found

    def _exchange(self, creation: Creation[_Kind], created: _Kind) -> _Kind:
        """Return what was created in its place, where an equal create has taken it for its own.

        That happens where both were created, and only one of them had a response.
        """
        found = lookup.find_lost(creation, self.context, seconds=CANCEL_TIMEOUT, is_leaving=True)
        if found.prediction is None:
            return created
        creation.resolve(found.prediction)
        return found.prediction

    def leave(
        self, creation: Creation[Any], leaving: BaseException, *, cancel: bool = True
    ) -> None:
        """Cancel what a create has made, or may have made, as its caller leaves; and say so.

        Args:
            creation: The create.
            leaving: The interrupt, which carries the sentence that says what became of it.
            cancel: Whether to cancel it.
        """
        creation.fail(leaving)
        if creation.prediction is not None:
            creation.prediction.leave(leaving, cancel=cancel)
        elif creation.state == "in doubt" and creation.is_ours:
            doubt = Interruption(outcomes.describe_lost(creation.kind, []))
            doubt.attach_to(leaving)
            if not cancel:
                creation.forget("in doubt")
                return
            try:
                Interruption(*self.abandon(creation)).attach_to(leaving)
            except BaseException as again:  # interrupted once more
                creation.forget(creation.state)
                doubt.attach_to(again)
                raise

    def abandon(self, creation: Creation[Any]) -> tuple[str, Prediction | None]:
        """Cancel what a create has made, or may have made, within two seconds.

        Another thread may be about to send it, which then cancels what its response brings.

        Returns:
            What became of it, as a sentence; and the prediction, if it is known.
        """
        creation.is_unwanted = True
        is_possible = creation.state in ("sent", "in doubt")
        if creation.prediction is None and is_possible and self._announced(creation) is None:
            found = lookup.find_lost(
                creation, self.context, seconds=CANCEL_TIMEOUT, is_leaving=True
            )
            if found.prediction is None:
                creation.forget("abandoned")
                return outcomes.describe_lost(creation.kind, found.candidates), None
            creation.resolve(found.prediction)
        prediction = creation.prediction
        if prediction is None:
            return f"No {creation.kind.label.lower()} was created.", None
        creation.state = "abandoned"
        prediction.abandon()
        return outcomes.describe_abandoned(prediction, cancel=True), prediction


def _with_reserve(deadline: Deadline) -> Deadline:
    """Return an earlier deadline, before which there is time for a look-up."""
    remaining = deadline.remaining
    if remaining <= 0:
        return deadline
    return Deadline(remaining - min(_MAX_RESERVE, remaining * _RESERVE))


def _explain_doubt(
    error: ConnectionFailed | ResponseError, creation: Creation[Any], candidates: list[str]
) -> None:
    """Say in an error that something may have been created, and which it may be."""
    label = creation.kind.label.lower()
    listing = f"client.{creation.kind.collection}.list()"
    error.maybe_created = True
    hint = (
        f"{error.hint} A {label} may have been created; see {listing} before you create it again."
    )
    if candidates:
        hint = f"{hint} It may be {' or '.join(candidates)}."
    error.hint = hint.strip()
