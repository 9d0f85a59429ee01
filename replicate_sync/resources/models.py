"""Models, with their examples and READMEs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..exceptions import InvalidInputError, UnknownModelError
from ..http.request import Content
from ..payloads.input_schema import Inputs
from ..payloads.schema_cache import SchemaCache
from ..payloads.schemas import latest_version_of_model
from ..prediction.prediction import Prediction
from ..refs import parse_name, resolve
from .base import Record, Resource, discard, present_fields
from .bound_predictions import BoundPredictions, ModelPredictions
from .examples import Examples
from .pages import Pages
from .predictions import Predictions
from .readmes import Readmes
from .versions import ModelVersions, Version, Versions


class Model(Record):
    """A model; `inputs` is what its latest version takes, as a table.

    Examples:
        >>> client.models.get("replicate/hello-world").name
        'hello-world'
    """

    _hidden_fields = (
        "github_url",
        "paper_url",
        "license_url",
        "cover_image_url",
        "created_at",
        "default_example",
    )

    owner: str | None = None
    name: str | None = None
    description: str | None = None
    visibility: str | None = None
    is_official: bool | None = None
    url: str | None = None
    github_url: str | None = None
    paper_url: str | None = None
    license_url: str | None = None
    run_count: int | None = None
    cover_image_url: str | None = None
    created_at: str | None = None
    default_example: Mapping[str, Any] | None = None

    @property
    def latest_version(self) -> Version | None:
        """Its latest version, or None where it has none.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> client.run(model.latest_version, {"text": "Alice"})
            'hello Alice'
        """
        data = latest_version_of_model(self.raw)
        if data is None:
            return None
        if self._resource is None:
            return Version.from_json(data)
        return self._models.versions.from_json(data)

    @property
    def inputs(self) -> Inputs:
        """The inputs of its latest version.

        Examples:
            >>> print(client.models.get("replicate/hello-world").inputs)
            name  type    default   ...
            text  string  required ...
        """
        version = self.latest_version or Version()
        return version.inputs

    @property
    def versions(self) -> ModelVersions:
        """Its versions: `list`, `get`, `delete`.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> len(list(model.versions.list()))
            1
        """
        return ModelVersions(self._models.versions, str(self))

    @property
    def predictions(self) -> BoundPredictions:
        """Predictions of its latest version: `create`.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> model.predictions.create({"text": "Alice"}).result()
            'hello Alice'
        """
        return BoundPredictions(self._models.predictions.all, model=str(self))

    def examples(self, *, limit: int | None = None) -> Pages[Prediction]:
        """Return an iterator over predictions that show what it does.

        Args:
            limit: After how many of them to stop; None for all.

        Raises:
            ReplicateError: As `models.examples.list` does.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> [prediction.status for prediction in model.examples(limit=1)]
            [...]
        """
        return self._models.examples.list(str(self), limit=limit)

    def readme(self) -> str:
        """Return its README, in Markdown.

        Raises:
            ReplicateError: As `models.readme.get` does.

        Examples:
            >>> client.models.update("local/mine", readme="# My model").readme()
            '# My model'
        """
        return self._models.readme.get(str(self))

    def delete(self) -> None:
        """Delete the model, which is one's own and private, and has no versions.

        Raises:
            ReplicateError: As `models.delete` does.

        Examples:
            >>> my_model.delete()
        """
        self._models.delete(str(self))

    @property
    def _models(self) -> Models:
        models: Models = self._bound()
        return models

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def parse_models(items: object, resource: object) -> Sequence[Model]:
    """Return the models in a list of the API; [] where there is none.

    Args:
        items: The list.
        resource: The operations that their own methods call.
    """
    if not isinstance(items, list):
        return []
    return [Model.from_json(item, resource) for item in items if isinstance(item, Mapping)]


class Models(Resource):
    """Models: `list`, `create`, `get`, `update`, `delete`, `search`, `inputs`.

    Their parts are `versions`, `examples`, `readme` and `predictions`.

    Args:
        predictions: The client's predictions.
        aliases: Full names by their short names.

    Examples:
        >>> client.models.get("replicate/hello-world").owner
        'replicate'
    """

    def __init__(self, predictions: Predictions, aliases: Mapping[str, str]) -> None:
        super().__init__(predictions.context.transport)
        self._schemas: SchemaCache = predictions.context.schemas
        self._aliases = aliases
        self.versions: Versions = Versions(predictions)
        self.examples: Examples = Examples(predictions)
        self.readme: Readmes = Readmes(predictions)
        self.predictions: ModelPredictions = ModelPredictions(predictions)

    def list(
        self,
        *,
        sort_by: str | None = None,
        sort_direction: str | None = None,
        limit: int | None = None,
    ) -> Pages[Model]:
        """Return an iterator over the public models.

        See https://replicate.com/docs/reference/http#models.list

        Args:
            sort_by: "latest_version_created_at" or "model_created_at".
            sort_direction: "desc" or "asc".
            limit: After how many of them to stop; None for all.

        Raises:
            InvalidInputError: The limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> from itertools import islice
            >>> [str(model) for model in islice(client.models.list(), 2)]
            [...]
        """
        params = {"sort_by": sort_by, "sort_direction": sort_direction}
        return self._list("/models", self.from_json, limit, params)

    def create(
        self,
        model: str,
        *,
        visibility: str,
        hardware: str,
        description: str | None = None,
        github_url: str | None = None,
        paper_url: str | None = None,
        license_url: str | None = None,
        cover_image_url: str | None = None,
    ) -> Model:
        """Create an empty model, and return it.

        See https://replicate.com/docs/reference/http#models.create

        Args:
            model: "owner/name".
            visibility: "public" or "private".
            hardware: A SKU of `hardware.list()`.
            description: What the model does.
            github_url: Where its source is.
            paper_url: Where its paper is.
            license_url: Where its license is.
            cover_image_url: Where its picture is.

        Returns:
            The model, which has no version yet.

        Raises:
            InputRejectedError: The API refused a field.

        Examples:
            >>> str(client.models.create("local/new", visibility="private", hardware="cpu"))
            'local/new'
        """
        owner, _, name = parse_name(model).partition("/")
        body = present_fields(
            owner=owner,
            name=name,
            visibility=visibility,
            hardware=hardware,
            description=description,
            github_url=github_url,
            paper_url=paper_url,
            license_url=license_url,
            cover_image_url=cover_image_url,
        )
        return self._transport.request(
            "POST", "/models", body, repeatable=False, build=self.from_json
        )

    def get(self, model: str) -> Model:
        """Return a model.

        See https://replicate.com/docs/reference/http#models.get

        Args:
            model: "owner/name".

        Raises:
            ModelNotFoundError: There is no such model.

        Examples:
            >>> client.models.get("replicate/hello-world").owner
            'replicate'
        """
        path = f"/models/{parse_name(model)}"
        try:
            build = partial(Model.from_json, resource=self)
            return self._transport.request("GET", path, model=model, build=build)
        except UnknownModelError as error:
            self.predictions.all.near_names.add_to(error, model)
            raise

    def inputs(self, model: str) -> Inputs:
        """Return what a model takes, as a table. It is fetched once for each client.

        From then on `predictions.create` validates its inputs before anything is sent.

        Args:
            model: "owner/name" for its latest version, "owner/name:version", or an alias.

        Returns:
            The inputs by name; none where the API does not describe them.

        Raises:
            ModelNotFoundError: There is no such model.

        Examples:
            >>> "prompt" in client.models.inputs("black-forest-labs/flux-schnell")
            True
        """
        ref = resolve(model, self._aliases)
        inputs = self._schemas.for_validation(ref, fetch=True).inputs
        if not inputs and ref.model:
            self.get(ref.model)  # raises where there is no such model
        return inputs

    def update(
        self,
        model: str,
        *,
        description: str | None = None,
        readme: str | None = None,
        github_url: str | None = None,
        paper_url: str | None = None,
        weights_url: str | None = None,
        license_url: str | None = None,
    ) -> Model:
        """Change what is said of a model, and return it. What is None stays as it is.

        See https://replicate.com/docs/reference/http#models.update

        Args:
            model: "owner/name".
            description: What the model does.
            readme: Its README, in Markdown.
            github_url: Where its source is.
            paper_url: Where its paper is.
            weights_url: Where its weights are.
            license_url: Where its license is.

        Returns:
            The model as it is now.

        Raises:
            ModelNotFoundError: There is no such model.

        Examples:
            >>> client.models.update("local/mine", description="It changes.").description
            'It changes.'
        """
        body = present_fields(
            description=description,
            readme=readme,
            github_url=github_url,
            paper_url=paper_url,
            weights_url=weights_url,
            license_url=license_url,
        )
        name = parse_name(model)
        path = f"/models/{name}"
        send = partial(
            self._transport.request, "PATCH", path, body, model=name, build=self.from_json
        )
        return self.predictions.all.about_model(name, send)

    def delete(self, model: str) -> None:
        """Delete a private model of one's own that has no versions.

        See https://replicate.com/docs/reference/http#models.delete

        Args:
            model: "owner/name".

        Raises:
            ModelNotFoundError: There is no such model.

        Examples:
            >>> client.models.delete("local/mine")
        """
        name = parse_name(model)
        send = partial(
            self._transport.request, "DELETE", f"/models/{name}", model=name, build=discard
        )
        self.predictions.all.about_model(name, send)

    def search(self, query: str, *, limit: int | None = None) -> Pages[Model]:
        """Return an iterator over the public models that match a text.

        See https://replicate.com/docs/reference/http#models.search

        Args:
            query: The text.
            limit: After how many of them to stop; None for all.

        Raises:
            InvalidInputError: The query is no text, or the limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> [str(model) for model in client.models.search("flux")]
            ['black-forest-labs/flux-schnell']
        """
        try:
            content = Content(query.encode(), "text/plain")
        except (AttributeError, UnicodeEncodeError) as error:
            raise InvalidInputError(f"query must be a text, not {query!r}.") from error
        return self._list("/models", self.from_json, limit, method="QUERY", content=content)

    def from_json(self, data: object) -> Model:
        """Return the model that the API's JSON describes, without a request.

        Args:
            data: The API's JSON.

        Examples:
            >>> str(client.models.from_json({"owner": "me", "name": "mine"}))
            'me/mine'
        """
        return Model.from_json(data, self)
