"""What can be named in the API. Each verb is one method, path and body; its name is the API's operation id.

Operands stand in the order of the path: a model or deployment as "owner/name", a version as "owner/name:id". All else is
keyword-only. Lists are lazy, over all pages; `limit` ends them early. https://replicate.com/docs/reference/http
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote

from . import creating, inputs, refs, webhooks
from .catalog import Catalog
from .creating import Creations
from .deadlines import Deadline
from .errors import InvalidInputError, ModelNotFoundError, WebhookError
from .multipart import Form
from .pages import checked, pages
from .polling import Polling
from .predictions import Prediction, Training
from .records import Account, Collection, Deployment, File, Found, Hardware, Model, Secret, Version
from .transport import Transport

_Item = TypeVar("_Item")


class Resource:
    """A noun of the API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _listed(
        self, path: str, read: Callable[[Any], _Item], limit: int | None, params: Mapping[str, Any] | None = None
    ) -> Iterator[_Item]:
        given = {name: str(value) for name, value in (params or {}).items() if value is not None}
        return map(read, islice(pages(self._transport, path, given), checked(limit)))


class Predictions(Resource):
    """Runs of models: `create`, `get`, `list`, `cancel`."""

    def __init__(self, creations: Creations, catalog: Catalog, aliases: Mapping[str, str]) -> None:
        super().__init__(creations.transport)
        self._creations = creations
        self._catalog = catalog
        self._aliases = aliases
        self._versions: dict[str, str] = {}  # of community models, which have no route of their own

    def create(
        self,
        model: str,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool | None = None,
        webhook: str | None = None,
        webhook_events_filter: Any = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        stream: bool | None = None,
    ) -> Prediction:
        """Start a prediction and give it: at once, or after at most `wait` seconds (60 at most) if it ends sooner.

        `model`: "owner/name" (its latest version), "owner/name:version", a version id, or an alias. In `input`, a path, an
        open binary file, bytes, a picture or a `FileOutput` stands for a file, however deep. The input is checked against
        the model's schema where that is known; `validate=True` fetches it, False leaves it out. `webhook`: where the API
        is to tell of it; `webhook_events_filter`: of which of "start", "output", "logs", "completed". `cancel_after`:
        seconds, or "1h30m", after which the API cancels it. `deadline`: the seconds that this call may take. Interrupted
        while it waits, what it created is canceled, unless `cancel_on_exit=False`. `stream`: a field of old, which the API
        ignores.

        It is never created twice: after an answer that leaves in doubt whether it was, it is looked for among the
        predictions created since. Raises InvalidInputError, ModelNotFoundError, PaymentRequiredError, RateLimitError,
        AuthenticationError (nothing was created); ServerError or ConnectionFailed, whose `maybe_created` tells.
        https://replicate.com/docs/reference/http#predictions.create
        """
        ref = refs.parse(refs.resolve(model, self._aliases))
        given = inputs.checked(input)
        limit = Deadline.of(deadline)
        body = {**creating.options(webhook, webhook_events_filter, stream=stream), "input": given}
        if validate is not False:
            self.check(ref, given, fetch=bool(validate))
        more: Any = {
            "headers": creating.headers(self._transport, wait, cancel_after, limit),
            "limit": limit,
            "cancel": cancel_on_exit,
        }
        version = ref.version or self._versions.get(ref.model or "")
        if version is None:
            try:
                path = f"/models/{ref.model}/predictions"
                return self._creations.create(Prediction, path, body, self._same(ref), model=ref.model, **more)
            except ModelNotFoundError as error:
                version = self._latest(ref, error)
        body = {"version": version, **body}
        return self._creations.create(Prediction, "/predictions", body, self._same(ref), **more)

    def check(self, ref: refs.Ref, given: Mapping[str, Any], *, fetch: bool) -> None:
        """Raise InvalidInputError with all that is wrong with an input, as far as the model's schema is known."""
        if problems := self._catalog.inputs(ref, fetch=fetch).problems(given):
            error = InvalidInputError(f"The input does not fit {ref}: {'; '.join(problems)}. Nothing was sent.")
            error.fields = [{"type": "client", "field": "input", "description": problem} for problem in problems]
            raise error

    def get(self, prediction_id: str) -> Prediction:
        """Give the prediction with this id. Raises ResponseError (404) where there is none.

        https://replicate.com/docs/reference/http#predictions.get
        """
        data = self._transport.request("GET", f"/predictions/{_id(prediction_id)}")
        return Prediction(data, self._transport, self._creations.polling)

    def cancel(self, prediction_id: str) -> Prediction:
        """Stop the prediction with this id, and give it. One that has ended stays as it is.

        https://replicate.com/docs/reference/http#predictions.cancel
        """
        data = self._transport.request("POST", f"/predictions/{_id(prediction_id)}/cancel")
        return Prediction(data, self._transport, self._creations.polling)

    def list(
        self,
        *,
        created_after: str | None = None,
        created_before: str | None = None,
        source: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Prediction]:
        """Yield the account's predictions, newest first. Times are ISO 8601; `source="web"` leaves out the API's.

        https://replicate.com/docs/reference/http#predictions.list
        """
        params = {"created_after": created_after, "created_before": created_before, "source": source}
        return self._listed("/predictions", self.known, limit, params)

    def known(self, data: Any) -> Prediction:
        """Give the prediction that a description tells of, without asking for it."""
        return Prediction(data, self._transport, self._creations.polling)

    def find(self, model: str, input: Mapping[str, Any], since: float, *, parting: float | None = None) -> Prediction | None:
        """Look once for a prediction of this model and input, created since, that nobody here knows of.

        `since`: seconds since 1970 by this machine's clock.
        """
        return self._creations.find(Prediction, input, self._same(refs.parse(model)), since, parting)

    def claim(self, *prediction_ids: str) -> None:
        """Say that these predictions are known, so that none is found as a lost one."""
        self._creations.claim(*prediction_ids)

    def _same(self, ref: refs.Ref) -> Callable[[Mapping[str, Any]], bool]:
        def same(data: Mapping[str, Any]) -> bool:
            version = ref.version or self._versions.get(ref.model or "")
            return data.get("version") == version if version else data.get("model") == ref.model

        return same

    def _latest(self, ref: refs.Ref, error: ModelNotFoundError) -> str:
        """Give the version to run of a model that has no route of its own, and remember it."""
        model = ref.model or ""
        try:
            version = self._versions[model] = self._catalog.latest(model)
        except ModelNotFoundError as missing:
            raise missing from error
        return version


class Trainings(Resource):
    """Trainings of models: `create`, `get`, `list`, `cancel`."""

    def __init__(self, creations: Creations) -> None:
        super().__init__(creations.transport)
        self._creations = creations

    def create(
        self,
        version: str,
        *,
        destination: str,
        input: Mapping[str, Any] | None = None,
        webhook: str | None = None,
        webhook_events_filter: Any = None,
    ) -> Training:
        """Start a training of "owner/name:version" into the model `destination`, "owner/name", which must exist.

        It is never created twice; see `predictions.create`. https://replicate.com/docs/reference/http#trainings.create
        """
        ref = _version(version)
        _named(destination)
        body = {
            **creating.options(webhook, webhook_events_filter),
            "destination": destination,
            "input": inputs.checked(input),
        }
        path = f"/models/{ref.model}/versions/{ref.version}/trainings"
        return self._creations.create(Training, path, body, lambda data: data.get("version") == ref.version)

    def get(self, training_id: str) -> Training:
        """Give the training with this id. https://replicate.com/docs/reference/http#trainings.get"""
        return self.known(self._transport.request("GET", f"/trainings/{_id(training_id)}"))

    def list(self, *, limit: int | None = None) -> Iterator[Training]:
        """Yield the account's trainings, newest first. https://replicate.com/docs/reference/http#trainings.list"""
        return self._listed("/trainings", self.known, limit)

    def cancel(self, training_id: str) -> Training:
        """Stop the training with this id, and give it. https://replicate.com/docs/reference/http#trainings.cancel"""
        return self.known(self._transport.request("POST", f"/trainings/{_id(training_id)}/cancel"))

    def known(self, data: Any) -> Training:
        """Give the training that a description tells of, without asking for it."""
        return Training(data, self._transport, self._creations.polling)


class Files(Resource):
    """Uploaded files: `create`, `get`, `list`, `delete`, `download`."""

    def create(self, content: Any, *, metadata: Mapping[str, Any] | None = None) -> File:
        """Upload a file and give its record: a path, an open binary file, bytes, a picture. It is streamed, 100 MB at most.

        https://replicate.com/docs/reference/http#files.create
        """
        found = content if isinstance(content, inputs.Upload) else inputs.upload(content)
        if found is None:
            raise InvalidInputError(
                f"A file is a path, an open binary file, bytes or a picture, not {type(content).__name__}."
            )
        with found.opened() as file:
            form = Form(file, found.size, found.name, found.mime_type, metadata or {})
            return File.of(self._transport.request("POST", "/files", content=(form, form.content_type)))

    def place(self, upload: inputs.Upload) -> str:
        """Give what stands for a file in an input: a data URI where it is small, else its address once it is uploaded."""
        if upload.size <= inputs.INLINE:
            return upload.data_uri()
        return str(self.create(upload).url)

    def get(self, file_id: str) -> File:
        """Give the record of a file. https://replicate.com/docs/reference/http#files.get"""
        return File.of(self._transport.request("GET", f"/files/{_id(file_id)}"))

    def list(self, *, limit: int | None = None) -> Iterator[File]:
        """Yield the account's files. https://replicate.com/docs/reference/http#files.list"""
        return self._listed("/files", File.of, limit)

    def delete(self, file_id: str) -> None:
        """Delete a file. https://replicate.com/docs/reference/http#files.delete"""
        self._transport.request("DELETE", f"/files/{_id(file_id)}")

    def download(self, file_id: str, *, owner: str, expiry: int, signature: str) -> bytes:
        """Give the content of a file by its signature. https://replicate.com/docs/reference/http#files.download"""
        params = {"owner": owner, "expiry": str(expiry), "signature": signature}
        return self._transport.request("GET", f"/files/{_id(file_id)}/download", params=params, raw=True)  # type: ignore[no-any-return]


class Versions(Resource):
    """Versions of models: `list`, `get`, `delete`."""

    def list(self, model: str, *, limit: int | None = None) -> Iterator[Version]:
        """Yield a model's versions, newest first. https://replicate.com/docs/reference/http#models.versions.list"""
        return self._listed(f"/models/{_named(model)}/versions", Version.of, limit)

    def get(self, version: str) -> Version:
        """Give "owner/name:version". https://replicate.com/docs/reference/http#models.versions.get"""
        ref = _version(version)
        return Version.of(self._transport.request("GET", f"/models/{ref.model}/versions/{ref.version}", model=str(ref)))

    def delete(self, version: str) -> None:
        """Delete "owner/name:version", one's own. https://replicate.com/docs/reference/http#models.versions.delete"""
        ref = _version(version)
        self._transport.request("DELETE", f"/models/{ref.model}/versions/{ref.version}", model=str(ref))


class Examples(Resource):
    """Predictions that show what a model does: `list`."""

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions._transport)
        self._predictions = predictions

    def list(self, model: str, *, limit: int | None = None) -> Iterator[Prediction]:
        """Yield a model's examples. https://replicate.com/docs/reference/http#models.examples.list"""
        return self._listed(f"/models/{_named(model)}/examples", self._predictions.known, limit)


class Readmes(Resource):
    """What owners say of their models: `get`."""

    def get(self, model: str) -> str:
        """Give a model's README, in Markdown. https://replicate.com/docs/reference/http#models.readme.get"""
        return str(self._transport.request("GET", f"/models/{_named(model)}/readme", model=model, text=True))


class ModelPredictions(Resource):
    """Runs of official models by their own route: `create`."""

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions._transport)
        self._predictions = predictions

    def create(self, model: str, input: Mapping[str, Any] | None = None, **options: Any) -> Prediction:
        """Start a prediction of a model's latest version; the parameters are those of `predictions.create`.

        https://replicate.com/docs/reference/http#models.predictions.create
        """
        return self._predictions.create(_named(model), input, **options)


class Models(Resource):
    """Models: `list`, `create`, `get`, `update`, `delete`, `search`, and their versions, examples, readme, predictions."""

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions._transport)
        self.versions = Versions(self._transport)
        self.examples = Examples(predictions)
        self.readme = Readmes(self._transport)
        self.predictions = ModelPredictions(predictions)

    def list(
        self, *, sort_by: str | None = None, sort_direction: str | None = None, limit: int | None = None
    ) -> Iterator[Model]:
        """Yield public models, sorted by "latest_version_created_at" or "model_created_at", "desc" or "asc".

        https://replicate.com/docs/reference/http#models.list
        """
        return self._listed("/models", Model.of, limit, {"sort_by": sort_by, "sort_direction": sort_direction})

    def create(self, model: str, *, visibility: str, hardware: str, **more: str | None) -> Model:
        """Make an empty model "owner/name". `visibility`: "public" or "private"; `hardware`: a SKU of `hardware.list()`;
        `more`: `description`, `github_url`, `paper_url`, `license_url`, `cover_image_url`.

        https://replicate.com/docs/reference/http#models.create
        """
        owner, _, name = _named(model).partition("/")
        allowed = ("description", "github_url", "paper_url", "license_url", "cover_image_url")
        body = {"owner": owner, "name": name, "visibility": visibility, "hardware": hardware, **_fields(more, allowed)}
        return Model.of(self._transport.request("POST", "/models", body, repeatable=False))

    def get(self, model: str) -> Model:
        """Give a model. https://replicate.com/docs/reference/http#models.get"""
        return Model.of(self._transport.request("GET", f"/models/{_named(model)}", model=model))

    def update(self, model: str, **changes: str | None) -> Model:
        """Change a model's `description`, `readme`, `github_url`, `paper_url`, `weights_url` or `license_url`.

        https://replicate.com/docs/reference/http#models.update
        """
        allowed = ("description", "readme", "github_url", "paper_url", "weights_url", "license_url")
        body = _fields(changes, allowed)
        return Model.of(self._transport.request("PATCH", f"/models/{_named(model)}", body, model=model))

    def delete(self, model: str) -> None:
        """Delete a private model of one's own that has no versions. https://replicate.com/docs/reference/http#models.delete"""
        self._transport.request("DELETE", f"/models/{_named(model)}", model=model)

    def search(self, query: str, *, limit: int | None = None) -> Iterator[Model]:
        """Yield public models that fit a text. https://replicate.com/docs/reference/http#models.search"""
        content = query.encode(), "text/plain"
        return map(Model.of, islice(pages(self._transport, "/models", method="QUERY", content=content), checked(limit)))


class DeploymentPredictions(Resource):
    """Runs of deployments: `create`."""

    def __init__(self, creations: Creations) -> None:
        super().__init__(creations.transport)
        self._creations = creations

    def create(
        self,
        deployment: str,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool | None = None,
        webhook: str | None = None,
        webhook_events_filter: Any = None,
        cancel_after: float | str | None = None,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
    ) -> Prediction:
        """Start a prediction on a deployment, "owner/name"; the parameters are those of `predictions.create`.

        https://replicate.com/docs/reference/http#deployments.predictions.create
        """
        limit = Deadline.of(deadline)
        return self._creations.create(
            Prediction,
            f"/deployments/{_named(deployment)}/predictions",
            {**creating.options(webhook, webhook_events_filter), "input": inputs.checked(input)},
            lambda data: data.get("deployment") == deployment,
            headers=creating.headers(self._transport, wait, cancel_after, limit),
            limit=limit,
            cancel=cancel_on_exit,
        )


class Deployments(Resource):
    """Models on hardware of their own: `list`, `create`, `get`, `update`, `delete`, and their predictions."""

    def __init__(self, creations: Creations) -> None:
        super().__init__(creations.transport)
        self.predictions = DeploymentPredictions(creations)

    def list(self, *, limit: int | None = None) -> Iterator[Deployment]:
        """Yield the account's deployments. https://replicate.com/docs/reference/http#deployments.list"""
        return self._listed("/deployments", Deployment.of, limit)

    def create(
        self, *, name: str, model: str, version: str, hardware: str, min_instances: int, max_instances: int
    ) -> Deployment:
        """Make a deployment of a version (64 hex digits) of `model`, with so many instances (0 to 5, and 0 to 20).

        https://replicate.com/docs/reference/http#deployments.create
        """
        body = {
            "name": name,
            "model": _named(model),
            "version": version,
            "hardware": hardware,
            "min_instances": min_instances,
            "max_instances": max_instances,
        }
        return Deployment.of(self._transport.request("POST", "/deployments", body, repeatable=False))

    def get(self, deployment: str) -> Deployment:
        """Give a deployment, "owner/name". https://replicate.com/docs/reference/http#deployments.get"""
        return Deployment.of(self._transport.request("GET", f"/deployments/{_named(deployment)}"))

    def update(self, deployment: str, **changes: Any) -> Deployment:
        """Change a deployment's `version`, `hardware`, `min_instances` or `max_instances`: a new release.

        https://replicate.com/docs/reference/http#deployments.update
        """
        body = _fields(changes, ("version", "hardware", "min_instances", "max_instances"))
        data = self._transport.request("PATCH", f"/deployments/{_named(deployment)}", body, repeatable=False)
        return Deployment.of(data)

    def delete(self, deployment: str) -> None:
        """Delete a deployment that is offline. https://replicate.com/docs/reference/http#deployments.delete"""
        self._transport.request("DELETE", f"/deployments/{_named(deployment)}")


class Collections(Resource):
    """Models that Replicate shows together: `list`, `get`."""

    def list(self, *, limit: int | None = None) -> Iterator[Collection]:
        """Yield the collections. https://replicate.com/docs/reference/http#collections.list"""
        return self._listed("/collections", Collection.of, limit)

    def get(self, slug: str) -> Collection:
        """Give a collection with its models. https://replicate.com/docs/reference/http#collections.get"""
        return Collection.of(self._transport.request("GET", f"/collections/{_id(slug)}"))


class HardwareList(Resource):
    """What models run on: `list`."""

    def list(self) -> Iterator[Hardware]:
        """Yield the hardware. https://replicate.com/docs/reference/http#hardware.list"""
        found = self._transport.request("GET", "/hardware")
        return map(Hardware.of, found if isinstance(found, list) else [])


class Accounts(Resource):
    """The account that the token belongs to: `get`."""

    def get(self) -> Account:
        """Give the account. https://replicate.com/docs/reference/http#account.get"""
        return Account.of(self._transport.request("GET", "/account"))


class Secrets(Resource):
    """The key that signs the account's webhooks: `get`."""

    def get(self) -> Secret:
        """Give the key. https://replicate.com/docs/reference/http#webhooks.default.secret.get"""
        return Secret.of(self._transport.request("GET", "/webhooks/default/secret"))


class DefaultWebhook(Resource):
    """The webhook that every account has."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.secret = Secrets(transport)


class Webhooks(Resource):
    """Webhooks: `receive` one; `default.secret.get` gives the key that signs them."""

    def __init__(self, predictions: Predictions, trainings: Trainings) -> None:
        super().__init__(predictions._transport)
        self.default = DefaultWebhook(self._transport)
        self._predictions = predictions
        self._trainings = trainings
        self._key: str | None = None

    def receive(self, body: bytes | str, headers: Mapping[str, Any], *, tolerance: float = 300) -> Prediction | Training:
        """Give the live prediction or training that a webhook tells of, if its signature is right.

        `body` and `headers` are the request's, the body as it came. The account's key is fetched once and kept; where a
        signature does not fit, it is fetched anew, as it may have been changed. Raises WebhookError as `webhooks.verify`.
        """
        kept = self._key
        key = kept or self._fetched()
        try:
            payload = webhooks.verify(body, headers, key, tolerance=tolerance)
        except WebhookError:
            if kept is None or (fresh := self._fetched()) == kept:
                raise
            payload = webhooks.verify(body, headers, fresh, tolerance=tolerance)
        urls = payload.get("urls") if isinstance(payload, dict) else None
        is_training = isinstance(urls, dict) and "/trainings/" in str(urls.get("get"))
        return self._trainings.known(payload) if is_training else self._predictions.known(payload)

    def _fetched(self) -> str:
        self._key = self.default.secret.get().key
        if not isinstance(self._key, str):
            raise WebhookError("The API gave no webhook secret.")
        return self._key


class Resources:
    """Every noun of the API, on one transport."""

    def __init__(self, transport: Transport, polling: Polling, aliases: Mapping[str, str]) -> None:
        self.catalog = Catalog(transport)
        self.files = Files(transport)
        creations = Creations(transport, polling, self.files.place)
        self.predictions = Predictions(creations, self.catalog, aliases)
        self.trainings = Trainings(creations)
        self.models = Models(self.predictions)
        self.deployments = Deployments(creations)
        self.collections = Collections(transport)
        self.hardware = HardwareList(transport)
        self.account = Accounts(transport)
        self.webhooks = Webhooks(self.predictions, self.trainings)
        self._transport = transport

    def search(self, query: str, *, limit: int | None = None) -> Found:
        """Search models, collections and pages; `limit`: how many of each, 1 to 50.

        https://replicate.com/docs/reference/http#search
        """
        params = {"query": query} if limit is None else {"query": query, "limit": str(limit)}
        return Found.of(self._transport.request("GET", "/search", params=params))


def _named(name: str) -> str:
    """Give "owner/name" as it stands in a path."""
    ref = refs.parse(name)
    if ref.model is None or ref.version is not None:
        raise ModelNotFoundError(f"{name!r} is not of the form 'owner/name'.")
    return ref.model


def _version(name: str) -> refs.Ref:
    ref = refs.parse(name)
    if ref.model is None or ref.version is None:
        raise ModelNotFoundError(f"{name!r} is not of the form 'owner/name:version'.")
    return ref


def _fields(given: Mapping[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    if unknown := [name for name in given if name not in allowed]:
        raise InvalidInputError(f"There is no field {unknown[0]!r} here; there are {', '.join(allowed)}.")
    return {name: value for name, value in given.items() if value is not None}


def _id(given: str) -> str:
    if not isinstance(given, str) or not given:
        raise InvalidInputError(f"An id is a string such as 'gm3qorzdhgbfurvjtvhg6dckhu', not {given!r}.")
    return quote(given, safe="")
