"""What can be run: models, versions and deployments give predictions, trainers give trainings.

Each verb is one method, path and body; its name is the API's operation id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import creating, inputs, refs
from .catalog import Catalog
from .creating import Creations
from .deadlines import Deadline
from .errors import InvalidInputError, ModelNotFoundError
from .nouns import Resource, named, versioned
from .predictions import Prediction
from .trainings import Training
from .transport import identified


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
        progress: bool = False,
    ) -> Prediction:
        """Start a prediction and give it: at once, or after at most `wait` seconds (60 at most) if it ends sooner.

        `model`: "owner/name" (its latest version), "owner/name:version", a version id, or an alias. In `input`, a path, an
        open binary file, bytes, a picture or a `FileOutput` stands for a file, however deep. The input is checked against
        the model's schema where that is known; `validate=True` fetches it, False leaves it out. `webhook`: where the API
        is to tell of it; `webhook_events_filter`: of which of "start", "output", "logs", "completed". `cancel_after`:
        seconds, or "1h30m", after which the API cancels it. `deadline`: the seconds that this call may take. Interrupted
        while it waits, what it created is canceled, unless `cancel_on_exit=False`. `stream`: a field of old, which the API
        ignores. `progress`: show how many bytes of a file of more than 5 MB have been uploaded.

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
            "progress": progress,
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
        data = self._transport.request("GET", f"/predictions/{identified(prediction_id)}")
        return Prediction(data, self._transport, self._creations.polling)

    def cancel(self, prediction_id: str) -> Prediction:
        """Stop the prediction with this id, and give it. One that has ended stays as it is.

        https://replicate.com/docs/reference/http#predictions.cancel
        """
        data = self._transport.request("POST", f"/predictions/{identified(prediction_id)}/cancel")
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

    def placed(self, draft: Mapping[str, Any]) -> dict[str, Any]:
        """Give a checked input as the API is sent it, its files in their places."""
        return self._creations.placed(draft)

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
        ref = versioned(version)
        named(destination)
        body = {
            **creating.options(webhook, webhook_events_filter),
            "destination": destination,
            "input": inputs.checked(input),
        }
        path = f"/models/{ref.model}/versions/{ref.version}/trainings"
        return self._creations.create(Training, path, body, lambda data: data.get("version") == ref.version)

    def get(self, training_id: str) -> Training:
        """Give the training with this id. https://replicate.com/docs/reference/http#trainings.get"""
        return self.known(self._transport.request("GET", f"/trainings/{identified(training_id)}"))

    def list(self, *, limit: int | None = None) -> Iterator[Training]:
        """Yield the account's trainings, newest first. https://replicate.com/docs/reference/http#trainings.list"""
        return self._listed("/trainings", self.known, limit)

    def cancel(self, training_id: str) -> Training:
        """Stop the training with this id, and give it. https://replicate.com/docs/reference/http#trainings.cancel"""
        return self.known(self._transport.request("POST", f"/trainings/{identified(training_id)}/cancel"))

    def known(self, data: Any) -> Training:
        """Give the training that a description tells of, without asking for it."""
        return Training(data, self._transport, self._creations.polling)


class ModelPredictions(Resource):
    """Runs of official models by their own route: `create`."""

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions._transport)
        self._predictions = predictions

    def create(self, model: str, input: Mapping[str, Any] | None = None, **options: Any) -> Prediction:
        """Start a prediction of a model's latest version; the parameters are those of `predictions.create`.

        https://replicate.com/docs/reference/http#models.predictions.create
        """
        return self._predictions.create(named(model), input, **options)


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
            f"/deployments/{named(deployment)}/predictions",
            {**creating.options(webhook, webhook_events_filter), "input": inputs.checked(input)},
            lambda data: data.get("deployment") == deployment,
            headers=creating.headers(self._transport, wait, cancel_after, limit),
            limit=limit,
            cancel=cancel_on_exit,
        )
