"""What can be named in the API: predictions, and the schemas of models. Each verb is one method, path and body.

https://replicate.com/docs/reference/http
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from . import inputs, refs
from .answers import unexpected
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

_SLACK = timedelta(seconds=60)  # what this machine's clock and the API's may differ
_REMEMBERED = 4096  # ids of own predictions, so that a look-up for a lost one never finds one that is not lost
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
        return kind(found.get("Output")) if found else "unknown"

    def _components(self, model: str | None, version: str | None) -> dict[str, Any] | None:
        """Give a version's or model's schemas. Not getting them is no error: what was paid for must not hang on them."""
        key = version if version and version != "hidden" else model
        if not model or not key:
            return self._found.get(key or "")
        if key not in self._found:
            path = f"/models/{model}" if key == model else f"/models/{model}/versions/{quote(key, safe='')}"
            try:
                found = self._transport.request("GET", path, attempts=False)
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
        **options: Any,
    ) -> Prediction:
        """Start a prediction and give it, at once or after at most `wait` seconds (60 at most) if it ends sooner.

        `model` is "owner/name" (its latest version), "owner/name:version", a version id, or an alias. `options` are further
        fields of the request: `webhook` and `webhook_events_filter`.

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
        hold = self._transport.hold(wait) if wait else 0
        headers = {"Prefer": f"wait={hold}" if hold != 60 else "wait"} if hold else {}
        version = ref.version or self._versions.get(ref.model or "")
        if version is None:
            try:
                return self._created(ref, f"/models/{ref.model}/predictions", body, headers)
            except ModelNotFoundError as error:
                version = self._latest(ref, error)
        return self._created(ref, "/predictions", {"version": version, **body}, headers)

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

    def _pages(self, path: str | None, params: Mapping[str, str], timeout: float | None = None) -> Iterator[Any]:
        home = origin(self._transport.base_url)
        while path:
            page = self._transport.request("GET", path, params=params, timeout=timeout, attempts=timeout is None)
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                raise unexpected(200, {}, str(page).encode(), doing="GET /predictions", wanted="a page of predictions")
            yield from page["results"]
            path, params = page.get("next"), {}
            if path and origin(path) != home:
                raise ResponseError(f"The API's next page is on another host, which must not get the token: {quoted(path)}")

    def _latest(self, ref: refs.Ref, error: ModelNotFoundError) -> str:
        """Give the version to run of a model that has no route of its own, and remember it."""
        model = ref.model or ""
        try:
            version = self._versions[model] = self._schemas.latest(model)
        except ModelNotFoundError as missing:
            raise missing from error
        return version

    def _created(self, ref: refs.Ref, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Prediction:
        """Create, once; look for what may have been created unseen."""
        since = datetime.now(timezone.utc) - _SLACK
        model = ref.model if path != "/predictions" else None
        try:
            data = self._transport.request("POST", path, body, headers=headers, model=model, repeatable=False)
            prediction = Prediction(data, self._transport, self._polling)
        except (ConnectionFailed, ResponseError) as error:
            if not _in_doubt(error):
                raise
            if found := self._adopted(ref, body, since):
                return found
            if isinstance(error, ConnectionFailed | ServerError):
                error.maybe_created = True
            add(error, "A prediction may have been created; see client.predictions.list() before you create it again.")
            raise
        except BaseException as leaving:
            # Interrupted while the answer was awaited: what was created is not wanted any more.
            if not isinstance(leaving, Exception) and (found := self._adopted(ref, body, since, timeout=_PARTING)):
                found._left(leaving, cancel=True)
            raise
        self._claim(prediction.id)
        return prediction

    def _adopted(
        self, ref: refs.Ref, body: Mapping[str, Any], since: datetime, *, timeout: float | None = None
    ) -> Prediction | None:
        """Look once for a prediction of the same model and input, created since, that nobody here knows of."""
        params = {"created_after": since.isoformat(timespec="microseconds").replace("+00:00", "Z")}
        try:
            for data in self._pages("/predictions", params, timeout):
                if isinstance(data, dict) and _same(data, ref, body):
                    found = Prediction(data, self._transport, self._polling)
                    if self._claim(found.id):
                        return found
        except ReplicateError:
            return None
        return None

    def _claim(self, prediction_id: str) -> bool:
        """Remember an id as one's own; False where it already was."""
        mark = object()
        taken = self._own.setdefault(prediction_id, mark) is not mark  # one step, so that no two threads claim one
        while len(self._own) > _REMEMBERED:
            self._own.popitem(last=False)
        return not taken


def _in_doubt(error: ConnectionFailed | ResponseError) -> bool:
    """Whether a create that ended so may have created something."""
    if isinstance(error, ConnectionFailed):
        return error.maybe_sent
    return error.status_code is None or error.status_code < 300 or error.status_code >= 500


def _same(data: Mapping[str, Any], ref: refs.Ref, body: Mapping[str, Any]) -> bool:
    """Whether a listed prediction is the one that was asked for."""
    if data.get("input") != body["input"]:
        return False
    version = body.get("version")
    return data.get("version") == version if version else data.get("model") == ref.model


def _id(prediction_id: str) -> str:
    if not isinstance(prediction_id, str) or not prediction_id:
        raise InvalidInputError(
            f"A prediction's id is a string such as 'gm3qorzdhgbfurvjtvhg6dckhu', not {prediction_id!r}."
        )
    return quote(prediction_id, safe="")


def _components(version: Any) -> dict[str, Any] | None:
    """Give the `components.schemas` of a version, references resolved where they stand for a whole schema."""
    try:
        schemas = version["openapi_schema"]["components"]["schemas"]
    except (KeyError, TypeError):
        return None
    return schemas if isinstance(schemas, dict) else None


def _properties(components: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    properties = ((components or {}).get("Input") or {}).get("properties")
    return properties if isinstance(properties, dict) and properties else None
