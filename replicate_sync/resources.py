"""What can be named in the API. Each verb is one method, path and body; its name is the API's operation id.

Operands stand in the order of the path: a model or deployment as "owner/name", a version as "owner/name:id". All else is
keyword-only. Lists are lazy, over all pages; `limit` ends them early. https://replicate.com/docs/reference/http
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from . import inputs, webhooks
from .bars import Meter
from .creating import Creations
from .errors import InvalidInputError, WebhookError
from .multipart import Form
from .nouns import Resource, limited, named, pages, versioned
from .predictions import Prediction
from .records import Account, Collection, Deployment, File, Hardware, Model, Secret, Version
from .runnable import DeploymentPredictions, ModelPredictions, Predictions, Trainings
from .trainings import Training
from .transport import Transport, identified


class Files(Resource):
    """Uploaded files: `create`, `get`, `list`, `delete`, `download`."""

    def create(self, content: Any, *, metadata: Mapping[str, Any] | None = None, progress: bool = False) -> File:
        """Upload a file and give its record: a path, an open binary file, bytes, a picture. It is streamed, 100 MB at most.

        `progress`: show how many bytes have gone, where they are more than 5 MB (needs the extra "progress"). Raises
        InvalidInputError where there is no file, or a longer one.
        https://replicate.com/docs/reference/http#files.create
        """
        found = content if isinstance(content, inputs.Upload) else inputs.upload(content)
        if found is None:
            raise InvalidInputError(
                f"A file is a path, an open binary file, bytes or a picture, not {type(content).__name__}."
            )
        with found.opened() as file, Meter(found.name, progress) as meter:
            form = Form(file, found.size, found.name, found.mime_type, metadata or {}, meter.moved)
            return File.of(self._transport.request("POST", "/files", content=(form, form.content_type)))

    def place(self, upload: inputs.Upload, progress: bool = False) -> str:
        """Give what stands for a file in an input: a data URI where it is small, else its address once it is uploaded."""
        if upload.size <= inputs.INLINE:
            return upload.data_uri()
        return str(self.create(upload, progress=progress).url)

    def get(self, file_id: str) -> File:
        """Give the record of a file. https://replicate.com/docs/reference/http#files.get"""
        return File.of(self._transport.request("GET", f"/files/{identified(file_id)}"))

    def list(self, *, limit: int | None = None) -> Iterator[File]:
        """Yield the account's files. https://replicate.com/docs/reference/http#files.list"""
        return self._listed("/files", File.of, limit)

    def delete(self, file_id: str) -> None:
        """Delete a file. https://replicate.com/docs/reference/http#files.delete"""
        self._transport.request("DELETE", f"/files/{identified(file_id)}")

    def download(self, file_id: str, *, owner: str, expiry: int, signature: str) -> bytes:
        """Give the content of a file by its signature. https://replicate.com/docs/reference/http#files.download"""
        params = {"owner": owner, "expiry": str(expiry), "signature": signature}
        return self._transport.request("GET", f"/files/{identified(file_id)}/download", params=params, raw=True)  # type: ignore[no-any-return]


class Versions(Resource):
    """Versions of models: `list`, `get`, `delete`."""

    def list(self, model: str, *, limit: int | None = None) -> Iterator[Version]:
        """Yield a model's versions, newest first. https://replicate.com/docs/reference/http#models.versions.list"""
        return self._listed(f"/models/{named(model)}/versions", Version.of, limit)

    def get(self, version: str) -> Version:
        """Give "owner/name:version". https://replicate.com/docs/reference/http#models.versions.get"""
        ref = versioned(version)
        return Version.of(self._transport.request("GET", f"/models/{ref.model}/versions/{ref.version}", model=str(ref)))

    def delete(self, version: str) -> None:
        """Delete "owner/name:version", one's own. https://replicate.com/docs/reference/http#models.versions.delete"""
        ref = versioned(version)
        self._transport.request("DELETE", f"/models/{ref.model}/versions/{ref.version}", model=str(ref))


class Examples(Resource):
    """Predictions that show what a model does: `list`."""

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions._transport)
        self._predictions = predictions

    def list(self, model: str, *, limit: int | None = None) -> Iterator[Prediction]:
        """Yield a model's examples. https://replicate.com/docs/reference/http#models.examples.list"""
        return self._listed(f"/models/{named(model)}/examples", self._predictions.known, limit)


class Readmes(Resource):
    """What owners say of their models: `get`."""

    def get(self, model: str) -> str:
        """Give a model's README, in Markdown. https://replicate.com/docs/reference/http#models.readme.get"""
        return str(self._transport.request("GET", f"/models/{named(model)}/readme", model=model, text=True))


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
        owner, _, name = named(model).partition("/")
        allowed = ("description", "github_url", "paper_url", "license_url", "cover_image_url")
        body = {"owner": owner, "name": name, "visibility": visibility, "hardware": hardware, **_fields(more, allowed)}
        return Model.of(self._transport.request("POST", "/models", body, repeatable=False))

    def get(self, model: str) -> Model:
        """Give a model. https://replicate.com/docs/reference/http#models.get"""
        return Model.of(self._transport.request("GET", f"/models/{named(model)}", model=model))

    def update(self, model: str, **changes: str | None) -> Model:
        """Change a model's `description`, `readme`, `github_url`, `paper_url`, `weights_url` or `license_url`.

        https://replicate.com/docs/reference/http#models.update
        """
        allowed = ("description", "readme", "github_url", "paper_url", "weights_url", "license_url")
        body = _fields(changes, allowed)
        return Model.of(self._transport.request("PATCH", f"/models/{named(model)}", body, model=model))

    def delete(self, model: str) -> None:
        """Delete a private model of one's own that has no versions. https://replicate.com/docs/reference/http#models.delete"""
        self._transport.request("DELETE", f"/models/{named(model)}", model=model)

    def search(self, query: str, *, limit: int | None = None) -> Iterator[Model]:
        """Yield public models that fit a text. https://replicate.com/docs/reference/http#models.search"""
        content = query.encode(), "text/plain"
        return map(Model.of, islice(pages(self._transport, "/models", method="QUERY", content=content), limited(limit)))


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
            "model": named(model),
            "version": version,
            "hardware": hardware,
            "min_instances": min_instances,
            "max_instances": max_instances,
        }
        return Deployment.of(self._transport.request("POST", "/deployments", body, repeatable=False))

    def get(self, deployment: str) -> Deployment:
        """Give a deployment, "owner/name". https://replicate.com/docs/reference/http#deployments.get"""
        return Deployment.of(self._transport.request("GET", f"/deployments/{named(deployment)}"))

    def update(self, deployment: str, **changes: Any) -> Deployment:
        """Change a deployment's `version`, `hardware`, `min_instances` or `max_instances`: a new release.

        https://replicate.com/docs/reference/http#deployments.update
        """
        body = _fields(changes, ("version", "hardware", "min_instances", "max_instances"))
        data = self._transport.request("PATCH", f"/deployments/{named(deployment)}", body, repeatable=False)
        return Deployment.of(data)

    def delete(self, deployment: str) -> None:
        """Delete a deployment that is offline. https://replicate.com/docs/reference/http#deployments.delete"""
        self._transport.request("DELETE", f"/deployments/{named(deployment)}")


class Collections(Resource):
    """Models that Replicate shows together: `list`, `get`."""

    def list(self, *, limit: int | None = None) -> Iterator[Collection]:
        """Yield the collections. https://replicate.com/docs/reference/http#collections.list"""
        return self._listed("/collections", Collection.of, limit)

    def get(self, slug: str) -> Collection:
        """Give a collection with its models. https://replicate.com/docs/reference/http#collections.get"""
        return Collection.of(self._transport.request("GET", f"/collections/{identified(slug)}"))


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

    def receive(self, body: bytes | str, headers: webhooks.Headers, *, tolerance: float = 300) -> Prediction | Training:
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
    """Every noun of the API but those that run, on one transport."""

    def __init__(self, creations: Creations, predictions: Predictions, trainings: Trainings) -> None:
        transport = creations.transport
        self.files = Files(transport)
        self.models = Models(predictions)
        self.deployments = Deployments(creations)
        self.collections = Collections(transport)
        self.hardware = HardwareList(transport)
        self.account = Accounts(transport)
        self.webhooks = Webhooks(predictions, trainings)


def _fields(given: Mapping[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    if unknown := [name for name in given if name not in allowed]:
        raise InvalidInputError(f"There is no field {unknown[0]!r} here; there are {', '.join(allowed)}.")
    return {name: value for name, value in given.items() if value is not None}
