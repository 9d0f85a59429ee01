"""Predictions: created, listed, fetched and canceled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..exceptions import InvalidInputError, NotFoundError, UnknownModelError
from ..http.transport import path_segment
from ..payloads.inputs import validate_input
from ..polling import Deadline
from ..prediction.context import Context
from ..prediction.create import (
    CreateOptions,
    Creator,
    Matches,
    PredictionRequest,
    create_headers,
    webhook_fields,
)
from ..prediction.prediction import Prediction
from ..refs import ModelRef, resolve
from .base import Resource
from .near_names import NearNames
from .pages import Pages


class Predictions(Resource):
    """Predictions: `create`, `get`, `list`, `cancel`.

    Args:
        creator: Creates them.
        aliases: Full names of models by their short names.
    """

    def __init__(self, creator: Creator, aliases: Mapping[str, str]) -> None:
        super().__init__(creator.context.transport)
        #: What predictions need of the client.
        self.context: Context = creator.context
        #: Names models for an unknown one.
        self.near_names: NearNames = NearNames(self._transport)
        self._creator = creator
        self._aliases = aliases
        # The versions of community models, which have no route of their own.
        self._versions: dict[str, str] = {}

    def create(
        self,
        model: str,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool | None = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        stream: bool | None = None,
        progress: bool = False,
    ) -> Prediction:
        """Start a prediction, and return it.

        It is never created twice: after a response that leaves in doubt whether it was, it is
        looked up among the predictions created since.
        See https://replicate.com/docs/reference/http#predictions.create

        Args:
            model: "owner/name" for its latest version, "owner/name:version", a version id, or an
                alias.
            input: The model's input. A path, an open binary file, bytes, a picture or a
                `FileOutput` stands for a file, at any depth.
            wait: For how many seconds, up to 60, the API may hold its response back until the
                prediction has ended; True for as long as it can. By default it returns at once.
            webhook: The URL that the API is to call.
            webhook_events_filter: On which events: "start", "output", "logs", "completed".
            cancel_after: After how much time the API cancels it: seconds, or such as "1h30m".
            validate: Whether to validate the input against the model's schema: True fetches that,
                None uses it where it has been asked for, as by `models.inputs`, False does not
                validate.
            deadline: The seconds that this call may take.
            cancel_on_exit: Whether an interruption cancels what was created.
            stream: A field of former versions of the API, which ignores it.
            progress: Whether to display a progress bar for uploads of more than 5 MB. Needs the
                extra "progress".

        Raises:
            InvalidInputError: An argument or the input is wrong.
            ModelNotFoundError: There is no such model.
            AuthenticationError: The token was refused.
            PaymentRequiredError: The account has no credit.
            RateLimitError: There were too many requests.
            ConnectionFailed: There was no response; `maybe_created` says what that means. Likewise
                any other ResponseError.
        """
        if stream is not None and not isinstance(stream, bool):
            raise InvalidInputError(f"stream must be True, False or None, not {stream!r}.")
        fields = webhook_fields(webhook, webhook_events_filter)
        if stream is not None:
            fields["stream"] = stream
        request = self.prepare(model, input, fields)
        limit = Deadline.of(deadline)
        options = CreateOptions(
            create_headers(self.context, wait, cancel_after, limit), limit, cancel_on_exit, progress
        )
        return self.start(request, options, validate=validate)

    def prepare(
        self,
        model: str,
        input: Mapping[str, Any] | None,
        fields: Mapping[str, object] | None = None,
    ) -> PredictionRequest:
        """Return a validated request, to be sent by `start`.

        Args:
            model: As in `create`.
            input: As in `create`.
            fields: Further fields of the body.

        Raises:
            InvalidInputError: The input cannot be sent.
            ModelNotFoundError: The name is not that of a model.
        """
        ref = resolve(model, self._aliases)
        texts = self.context.schemas.get(ref, fetch=False).text_inputs
        return PredictionRequest(ref, validate_input(input, texts=texts), fields or {})

    def start(
        self, request: PredictionRequest, options: CreateOptions, *, validate: bool | None = None
    ) -> Prediction:
        """Send a request that was prepared, and return its prediction; see `create`."""
        ref = request.ref
        if validate is not False:
            self.validate_against_schema(request, fetch=bool(validate))
        body = {**request.fields, "input": request.input}
        version = ref.version or self._versions.get(ref.model or "")
        matches = self._matcher(ref)
        if version is None:
            path = f"/models/{ref.model}/predictions"
            try:
                return self._creator.create(
                    Prediction, path, body, matches, options, model=ref.model
                )
            except UnknownModelError:
                pass  # a community model has no route of its own
            version = self._latest_version(ref, options.deadline)
        body = {"version": version, **body}
        return self._creator.create(Prediction, "/predictions", body, matches, options)

    def start_on_deployment(
        self,
        deployment: str,
        validated: Mapping[str, object],
        fields: Mapping[str, object],
        options: CreateOptions,
    ) -> Prediction:
        """Send a request that was prepared to a deployment, and return its prediction.

        Args:
            deployment: "owner/name".
            validated: The input, as `validate_input` returns it.
            fields: Further fields of the body.
            options: How it is sent.
        """
        return self._creator.create(
            Prediction,
            f"/deployments/{deployment}/predictions",
            {**fields, "input": validated},
            lambda data: bool(data.get("deployment") == deployment),
            options,
        )

    def validate_against_schema(self, request: PredictionRequest, *, fetch: bool) -> None:
        """Raise what is wrong with an input, if the model's schema has been asked for.

        Args:
            request: The request.
            fetch: Whether to fetch the schema, for this input and all further ones.

        Raises:
            InvalidInputError: The input does not fit; `fields` has every problem.
        """
        schema = self.context.schemas.for_validation(request.ref, fetch=fetch)
        problems = schema.inputs.problems(request.input)
        if problems:
            error = InvalidInputError(
                f"The input does not fit {request.ref}: {'; '.join(problems)}. Nothing was sent."
            )
            error.fields = [
                {"type": "client", "field": "input", "description": problem} for problem in problems
            ]
            raise error

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction by its id.

        See https://replicate.com/docs/reference/http#predictions.get

        Raises:
            NotFoundError: There is no such prediction.
        """
        try:
            return self._transport.request(
                "GET",
                f"/predictions/{path_segment(prediction_id)}",
                build=partial(Prediction, context=self._creator.context),
            )
        except NotFoundError as error:
            error.hint = (
                f"This account has no prediction {prediction_id!r}; an id is one such as "
                "'gm3qorzdhgbfurvjtvhg6dckhu', and predictions.list() has the newest."
            )
            raise

    def cancel(self, prediction_id: str) -> Prediction:
        """Cancel a prediction by its id, and return it. One that has ended stays as it is.

        See https://replicate.com/docs/reference/http#predictions.cancel

        Raises:
            NotFoundError: There is no such prediction.
        """
        path = f"/predictions/{path_segment(prediction_id)}/cancel"
        return self._transport.request("POST", path, build=self.from_json)

    def list(
        self,
        *,
        created_after: str | None = None,
        created_before: str | None = None,
        source: str | None = None,
        limit: int | None = None,
    ) -> Pages[Prediction]:
        """Return an iterator over the account's predictions, newest first.

        See https://replicate.com/docs/reference/http#predictions.list

        Args:
            created_after: A time in ISO 8601.
            created_before: A time in ISO 8601.
            source: "web" for those that were made on the website.
            limit: After how many of them to stop; None for all.
        """
        params = {
            "created_after": created_after,
            "created_before": created_before,
            "source": source,
        }
        return self._list("/predictions", self.from_json, limit, params)

    def from_json(self, data: object) -> Prediction:
        """Return the live prediction that the API's JSON describes, without a request.

        Raises:
            UnexpectedDataError: It is not a prediction.
        """
        return Prediction(data, self.context)

    def find(
        self,
        ref: ModelRef,
        placed: Mapping[str, object],
        since: float,
        *,
        single_attempt: float | None = None,
    ) -> Prediction | None:
        """Look up once a lost prediction of this model and input; return it or None.

        Args:
            ref: The model.
            placed: The input as it was sent.
            since: When it was created at the earliest, in seconds since 1970 by this machine's
                clock.
            single_attempt: The seconds of the one attempt; see `Transport.request`.
        """
        matches = self._matcher(ref)
        return self._creator.find(Prediction, placed, matches, since, single_attempt)

    def place_files(self, validated: Mapping[str, object]) -> dict[str, object]:
        """Return a validated input as it is sent: each file as a data URI, or as a URL."""
        return self._creator.place_files(validated)

    def register(self, *prediction_ids: str) -> None:
        """Remember predictions as known, so that no look-up adopts them."""
        self._creator.register(*prediction_ids)

    def _matcher(self, ref: ModelRef) -> Matches:
        def matches(data: Mapping[str, Any]) -> bool:
            version = ref.version or self._versions.get(ref.model or "")
            if version:
                return bool(data.get("version") == version)
            return bool(data.get("model") == ref.model)

        return matches

    def _latest_version(self, ref: ModelRef, deadline: Deadline) -> str:
        """Return the version to run of a model that has no route of its own, and remember it."""
        model = ref.model or ""
        try:
            version = self.context.schemas.latest_version(model)
        except UnknownModelError as error:
            self.near_names.add_to(error, model, deadline)
            raise
        self._versions[model] = version
        return version
