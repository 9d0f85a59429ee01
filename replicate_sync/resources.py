"""What can be named in the API: predictions, and the schemas of models. Each verb is one method, path and body.

https://replicate.com/docs/reference/http
"""

from __future__ import annotations

import json
import logging
import re
from calendar import timegm
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import islice
from time import strptime, time
from typing import Any
from urllib.parse import quote

from . import inputs, refs
from .answers import unexpected
from .deadlines import Deadline
from .errors import (
    ConnectionFailed,
    InvalidInputError,
    ModelNotFoundError,
    ReplicateError,
    ResponseError,
    ServerError,
    add,
    quoted,
)
from .outputs import Kind, kind
from .polling import Polling
from .predictions import Prediction
from .settings import origin
from .transport import Transport

_log = logging.getLogger("replicate_sync")

_SLACK = 60.0  # seconds that this machine's clock and the API's may differ before a first answer has told
_ROUNDING = 1.0  # seconds: an answer's date has no fraction
_ANOTHER_MONTH = 30 * 86400.0  # seconds
_LOOKED_THROUGH = 1000  # predictions, in the look-up for a lost one
_REMEMBERED = 16384  # ids of own predictions, so that a look-up for a lost one never finds one that is not lost
_PARTING = 1.0  # seconds that one request may take when the caller is on the way out


class Schemas:
    """What models take and give, fetched when it is first asked for and kept for the client's life."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._found: dict[str, dict[str, Any] | None] = {}

    def latest(self, model: str) -> str:
        """Give the id of a model's latest version. Raises ModelNotFoundError where there is none."""
        found = self._transport.request("GET", f"/models/{model}", model=model)
        version = found.get("latest_version") if isinstance(found, dict) else None
        if not isinstance(version, dict) or not isinstance(version.get("id"), str):
            raise ModelNotFoundError(f"The model {model!r} has no version that could be run; ask its owner to publish one.")
        self._found[model] = self._found[version["id"]] = _components(version)
        return str(version["id"])

    def known(self, ref: refs.Ref) -> Mapping[str, Any] | None:
        """Give the names a model takes, `Input.properties`, where they have been fetched before."""
        return _properties(self._found.get(ref.version or ref.model or ""))

    def properties(self, ref: refs.Ref) -> Mapping[str, Any] | None:
        """Give the names a model takes, or None where the API does not tell them."""
        return _properties(self._components(ref.model, ref.version))

    def kind(self, prediction: Prediction) -> Kind:
        """Say what a prediction's model gives; "unknown" where the API does not tell."""
        found = self._components(prediction.model, prediction.version)
        return kind(found)

    def _components(self, model: str | None, version: str | None) -> dict[str, Any] | None:
        """Give a version's or model's schemas. Not getting them is no error: what was paid for must not hang on them."""
        key = version if version and version != "hidden" else model
        if not model or not key:
            return self._found.get(key or "")
        if key not in self._found:
            path = f"/models/{model}" if key == model else f"/models/{model}/versions/{quote(key, safe='')}"
            try:
                found = self._transport.request("GET", path)
            except ResponseError as error:
                if error.status_code == 404 and key != model:
                    return self._components(model, None)
                if error.status_code in (401, 403, 404):
                    self._found[key] = None
                return None
            except ReplicateError:
                return None
            self._found[key] = _components(
                found.get("latest_version") if key == model and isinstance(found, dict) else found
            )
        return self._found[key]


class Predictions:
    """Runs of models: `create`, `get`, `list`, `cancel`."""

    def __init__(self, transport: Transport, polling: Polling, schemas: Schemas, aliases: Mapping[str, str]) -> None:
        if not isinstance(polling, Polling):
            raise InvalidInputError(f"polling must be a Polling value, not {polling!r}.")
        self._transport = transport
        self._polling = polling
        self._schemas = schemas
        self._aliases = aliases
        self._versions: dict[str, str] = {}  # of community models, which have no route of their own
        self._own: OrderedDict[str, object] = OrderedDict()

    def create(
        self,
        model: str,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float = 0,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        **options: Any,
    ) -> Prediction:
        """Start a prediction and give it, at once or after at most `wait` seconds (60 at most) if it ends sooner.

        `model` is "owner/name" (its latest version), "owner/name:version", a version id, or an alias. `options` are further
        fields of the request: `webhook` and `webhook_events_filter`. Interrupted while it waits, what it created is
        canceled, unless `cancel_on_exit=False`. `deadline`: the seconds that all of it may take.

        It is never created twice: after an answer that leaves in doubt whether it was, it is looked for among the
        predictions created since. Raises InvalidInputError, ModelNotFoundError, PaymentRequiredError, RateLimitError,
        AuthenticationError (nothing was created); ServerError or ConnectionFailed, whose `maybe_created` tells.
        https://replicate.com/docs/reference/http#predictions.create
        """
        ref = refs.parse(refs.resolve(model, self._aliases))
        if unknown := options.keys() - {"webhook", "webhook_events_filter", "stream"}:
            raise InvalidInputError(
                f"predictions.create() has no option {sorted(unknown)[0]!r}; a model's own go into input."
            )
        body = {**{name: value for name, value in options.items() if value is not None}, "input": inputs.checked(input)}
        limit = Deadline.of(deadline)
        hold = self._transport.hold(_seconds(wait), limit)
        headers = {"Prefer": f"wait={hold}" if hold != 60 else "wait"} if hold else {}
        version = ref.version or self._versions.get(ref.model or "")
        if version is None:
            try:
                return self._created(ref, f"/models/{ref.model}/predictions", body, headers, limit, cancel_on_exit)
            except ModelNotFoundError as error:
                version = self._latest(ref, error)
        return self._created(ref, "/predictions", {"version": version, **body}, headers, limit, cancel_on_exit)

    def get(self, prediction_id: str) -> Prediction:
        """Give the prediction with this id. Raises ResponseError (404) where there is none.

        https://replicate.com/docs/reference/http#predictions.get
        """
        data = self._transport.request("GET", f"/predictions/{_id(prediction_id)}")
        return Prediction(data, self._transport, self._polling)

    def cancel(self, prediction_id: str) -> Prediction:
        """Stop the prediction with this id, and give it. One that has ended stays as it is.

        https://replicate.com/docs/reference/http#predictions.cancel
        """
        data = self._transport.request("POST", f"/predictions/{_id(prediction_id)}/cancel")
        return Prediction(data, self._transport, self._polling)

    def list(self) -> Iterator[Prediction]:
        """Yield the account's predictions, newest first, from as many pages as are asked for.

        https://replicate.com/docs/reference/http#predictions.list
        """
        for item in self._pages("/predictions", {}):
            yield Prediction(item, self._transport, self._polling)

    def _pages(self, path: str | None, params: Mapping[str, str], parting: float | None = None) -> Iterator[Any]:
        home, seen = origin(self._transport.base_url), set()
        while path and path not in seen:
            seen.add(path)
            page = self._transport.request("GET", path, params=params, parting=parting)
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                shown = self._transport.hide(str(page)).encode()
                raise unexpected(200, {}, shown, doing="GET /predictions", wanted="a page of predictions")
            yield from page["results"]
            path, params = page.get("next"), {}
            if path is not None and origin(path) != home:
                shown_path = quoted(self._transport.hide(str(path)))
                raise ResponseError(f"The API's next page is on another host, which must not get the token: {shown_path}")

    def _latest(self, ref: refs.Ref, error: ModelNotFoundError) -> str:
        """Give the version to run of a model that has no route of its own, and remember it."""
        model = ref.model or ""
        try:
            version = self._versions[model] = self._schemas.latest(model)
        except ModelNotFoundError as missing:
            raise missing from error
        return version

    def _created(
        self,
        ref: refs.Ref,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        limit: Deadline,
        cancel: bool,
    ) -> Prediction:
        """Create, once; look for what may have been created unseen."""
        since = time()
        model = ref.model if path != "/predictions" else None
        try:
            data = self._transport.request(
                "POST", path, body, headers=headers, model=model, repeatable=False, deadline=limit
            )
            prediction = Prediction(data, self._transport, self._polling)
        except (ConnectionFailed, ResponseError) as error:
            if not _in_doubt(error):
                raise
            if found := self._adopted(ref, body, since, _PARTING if limit.passed else None):
                return found
            if isinstance(error, ConnectionFailed | ServerError):
                error.maybe_created = True
            add(error, "A prediction may have been created; see client.predictions.list() before you create it again.")
            raise
        except BaseException as leaving:
            # Interrupted while the answer was awaited: what was created is not wanted any more.
            awaited = cancel and getattr(leaving, "in_the_air", False)
            if awaited and (found := self._adopted(ref, body, since, _PARTING)):
                found.abandon()
            raise
        self.claim(prediction.id)
        return prediction

    def _adopted(self, ref: refs.Ref, body: Mapping[str, Any], since: float, parting: float | None) -> Prediction | None:
        try:
            return self.find(str(ref), body["input"], since, parting=parting)
        except ReplicateError as fault:
            _log.debug("a prediction that may have been created could not be looked for: %s", fault)
            return None

    def find(self, model: str, input: Mapping[str, Any], since: float, *, parting: float | None = None) -> Prediction | None:
        """Look once for a prediction of this model and input, created since, that nobody here knows of.

        `since`: seconds since 1970 by this machine's clock; the API's own is reckoned from its answers.
        """
        ref = refs.parse(model)
        given = json.loads(inputs.encode(input))  # as the API will have read it
        asked = datetime.fromtimestamp(since + self._transport.ahead() - _SLACK, timezone.utc)
        params = {"created_after": asked.isoformat(timespec="microseconds").replace("+00:00", "Z")}
        for data in islice(self._pages("/predictions", params, parting), _LOOKED_THROUGH):
            if not isinstance(data, dict) or data.get("input") != given or not self._is(ref, data):
                continue
            created = _moment(data.get("created_at"))
            before = since + self._transport.ahead() - _ROUNDING - (created or 0)
            # Asked for the last minute, a server that shows one of another month does not tell the time with it.
            if created is not None and 0 < before < _ANOTHER_MONTH:
                continue
            found = Prediction(data, self._transport, self._polling)
            if self.claim(found.id):
                return found
        return None

    def _is(self, ref: refs.Ref, data: Mapping[str, Any]) -> bool:
        version = ref.version or self._versions.get(ref.model or "")
        return data.get("version") == version if version else data.get("model") == ref.model

    def known(self, data: Mapping[str, Any]) -> Prediction:
        """Give the prediction that a description tells of, without asking for it."""
        return Prediction(data, self._transport, self._polling)

    def claim(self, *prediction_ids: str) -> bool:
        """Remember ids as one's own; False where one already was."""
        mark = object()
        # One step each, so that no two threads claim the same.
        new = [self._own.setdefault(prediction_id, mark) is mark for prediction_id in prediction_ids]
        while len(self._own) > _REMEMBERED:
            self._own.popitem(last=False)
        return all(new)


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


def _moment(text: Any) -> float | None:
    """Read a time such as 2026-03-01T16:19:34.765Z, with any number of digits, as seconds since 1970."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)", text) if isinstance(text, str) else None
    if not found:
        return None
    try:
        return timegm(strptime(found[1], "%Y-%m-%dT%H:%M:%S")) + float(found[2] or 0)
    except ValueError:
        return None


def _id(prediction_id: str) -> str:
    if not isinstance(prediction_id, str) or not prediction_id:
        raise InvalidInputError(
            f"A prediction's id is a string such as 'gm3qorzdhgbfurvjtvhg6dckhu', not {prediction_id!r}."
        )
    return quote(prediction_id, safe="")


def _components(version: Any) -> dict[str, Any] | None:
    """Give the `components.schemas` of a version."""
    try:
        schemas = version["openapi_schema"]["components"]["schemas"]
    except (KeyError, TypeError):
        return None
    return schemas if isinstance(schemas, dict) else None


def _properties(components: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    given = (components or {}).get("Input")
    properties = given.get("properties") if isinstance(given, dict) else None
    return properties if isinstance(properties, dict) and properties else None
