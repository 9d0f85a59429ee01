"""Predictions: created, listed, fetched and canceled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ..deadline import NO_DEADLINE, Deadline
from ..event_hook import EventHook
from ..exceptions import InvalidInputError, NotFoundError, ReplicateError, UnknownModelError
from ..http.request import path_segment
from ..payloads.inputs import validate_input
from ..payloads.schemas import UNKNOWN_SCHEMA
from ..prediction import own_ids
from ..prediction.context import Context
from ..prediction.create import Creator
from ..prediction.create_options import (
    CreateOptions,
    PredictionRequest,
    create_headers,
    webhook_fields,
)
from ..prediction.creation import Creation, Evidence
from ..prediction.lookup import LookUp, find_earlier
from ..prediction.prediction import Prediction
from ..prediction.usage import Usage
from ..refs import parse_name, resolve
from .base import Resource, discard, reference_to

if TYPE_CHECKING:
    from .deployments import Deployment
    from .models import Model
    from .near_names import NearNames
    from .pages import Pages
    from .versions import Version

_Returned = TypeVar("_Returned")


class Predictions(Resource):
    """Predictions: `create`, `get`, `list`, `cancel`.

    Args:
        creator: Creates them.
        aliases: Full names of models by their short names.

    Examples:
        >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
        >>> client.predictions.get(prediction.id).result()
        'hello Alice'
    """

    def __init__(self, creator: Creator, aliases: Mapping[str, str]) -> None:
        super().__init__(creator.context.transport)
        #: What predictions need of the client.
        self.context: Context = creator.context
        self._creator = creator
        self._aliases = aliases
        # The versions of community models, which have no route of their own.
        self._versions: dict[str, str] = {}

    @cached_property
    def near_names(self) -> NearNames:
        """Names models for an unknown one."""
        from .near_names import NearNames  # late, as most names are right

        return NearNames(self._transport)

    def create(
        self,
        model: str | Model | Version | None = None,
        input: Mapping[str, Any] | None = None,
        *,
        version: str | Version | None = None,
        deployment: str | Deployment | None = None,
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
            model: "owner/name" for its latest version, "owner/name:version", a version id,
                "deployments/owner/name" for a deployment, or an alias; or a `Model` or `Version`.
                Instead of it:
            input: The model's input. A path, an open binary file, bytes, a picture or a
                `FileOutput` stands for a file, at any depth.
            version: The version to run: its id, "owner/name:version", or a `Version`.
            deployment: The deployment that is to run: "owner/name", or a `Deployment`.
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

        Returns:
            The prediction: "starting" or "processing", or what its `wait` has brought.

        Raises:
            InvalidInputError: An argument or the input is wrong.
            ModelNotFoundError: There is no such model.
            AuthenticationError: The token was refused.
            PaymentRequiredError: The account has no credit.
            RateLimitError: There were too many requests.
            ConnectionFailed: There was no response; `maybe_created` says what that means. Likewise
                any other ResponseError.

        Examples:
            >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
            >>> prediction.result()
            'hello Alice'
        """
        if stream is not None and not isinstance(stream, bool):
            raise InvalidInputError(f"stream must be True, False or None, not {stream!r}.")
        fields = webhook_fields(webhook, webhook_events_filter)
        if stream is not None:
            fields["stream"] = stream
        if [model, version, deployment].count(None) != 2:
            raise InvalidInputError("Give one of a model, version= and deployment=.")
        limit = Deadline.of(deadline)
        options = CreateOptions(
            create_headers(self.context, wait, cancel_after, limit), limit, cancel_on_exit, progress
        )
        name = version or model or ""
        if deployment is not None:
            name = f"deployments/{parse_name(str(deployment))}"
        request = self.prepare(name, input, fields)
        return self.start(request, options, validate=validate)

    def apart(self, events: EventHook, usage: Usage) -> Predictions:
        """Return the same resource, for predictions of which more is to be known.

        Args:
            events: Where they are reported, in place of the client's.
            usage: Counts them, in place of the client's.
        """
        shared = self.context
        context = Context(shared.transport, shared.polling, shared.schemas, usage, events)
        creator = Creator(context, self._creator.place)
        predictions = Predictions(creator, self._aliases)
        predictions._versions = self._versions
        return predictions

    def prepare(
        self,
        model: str | Model | Version | Deployment,
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
        ref = resolve(reference_to(model), self._aliases)
        texts = self.context.schemas.get(ref, fetch=False).text_inputs
        return PredictionRequest(ref, validate_input(input, texts=texts), fields or {})

    def start(
        self, request: PredictionRequest, options: CreateOptions, *, validate: bool | None = None
    ) -> Prediction:
        """Send a request that was prepared, and return its prediction; see `create`."""
        return self.send(self.plan(request, options, validate=validate), options)

    def plan(
        self, request: PredictionRequest, options: CreateOptions, *, validate: bool | None = None
    ) -> Creation[Prediction]:
        """Return a create that is ready for `send`: validated, with its files uploaded.

        Args:
            request: What to run.
            options: How it is sent.
            validate: As in `create`.

        Raises:
            InvalidInputError: The input does not fit.
        """
        ref = request.ref
        if validate is not False:
            schema = self.context.schemas.for_validation(
                ref, fetch=bool(validate), deadline=options.deadline
            )
            if schema is not UNKNOWN_SCHEMA:
                schema.inputs.validate(request.input, ref)
        body = {**request.fields, "input": request.input}
        version = ref.version or self._versions.get(ref.model or "")
        path = "/predictions"
        if ref.deployment:
            path = f"/deployments/{ref.deployment}/predictions"
            fields = {"deployment": ref.deployment}
        elif version is None:
            path = f"/models/{ref.model}/predictions"
            fields = {"model": str(ref.model)}
        else:
            body = {"version": version, **body}
            fields = {"version": version}
        return self._creator.plan(Prediction, path, body, fields, options)

    def send(self, creation: Creation[Prediction], options: CreateOptions) -> Prediction:
        """Send a create that was planned, once, and return its prediction; see `create`."""
        if not creation.path.startswith("/models/"):
            return self._creator.send(creation, options)
        model = creation.path.removeprefix("/models/").removesuffix("/predictions")
        try:
            return self._creator.send(creation, options, model=model)
        except UnknownModelError:
            pass  # a community model has no route of its own
        version = self._latest_version(model, options.deadline)
        creation.path = "/predictions"
        creation.body = {"version": version, **creation.body}
        creation.fields = {"version": version}
        return self._creator.send(creation, options)

    def leave(
        self, creation: Creation[Prediction], leaving: BaseException, *, cancel: bool
    ) -> None:
        """Cancel what a create has made, or may have made, as its caller leaves; and say so.

        Args:
            creation: The create.
            leaving: The interrupt, which carries the sentence that says what became of it.
            cancel: Whether to cancel it.
        """
        self._creator.leave(creation, leaving, cancel=cancel)

    def abandon(self, creation: Creation[Prediction]) -> str:
        """Cancel what a create has made, or may have made; return what became of it."""
        return self._creator.abandon(creation)[0]

    def look_up(
        self, evidence: Evidence, deadline: Deadline = NO_DEADLINE, *, in_doubt: int = 1
    ) -> LookUp[Prediction]:
        """Look up once what a create of an earlier process has made; see `LookUp`.

        Args:
            evidence: What was noted before it was sent.
            deadline: The deadline of the call.
            in_doubt: How many such creates of that process are in doubt.
        """
        seconds = min(deadline.remaining, self._transport.timeout)
        return find_earlier(Prediction, evidence, self.context, seconds=seconds, in_doubt=in_doubt)

    def learn_server_time(self, deadline: Deadline = NO_DEADLINE) -> None:
        """Send one request if no response has shown the API's clock yet; no failure is an error."""
        if self._transport.clock.is_known:
            return
        with suppress(ReplicateError):
            self._transport.request("GET", "/account", deadline=deadline, build=discard)

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction by its id.

        See https://replicate.com/docs/reference/http#predictions.get

        Args:
            prediction_id: The prediction's id, as in `Prediction.id`.

        Raises:
            NotFoundError: There is no such prediction.

        Examples:
            >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
            >>> client.predictions.get(prediction.id).result()
            'hello Alice'
        """
        prediction = Prediction.of_id(prediction_id, self.context)
        try:
            path = f"/predictions/{prediction_id}"
            return self._transport.request("GET", path, build=prediction.update)
        except NotFoundError as error:
            error.hint = (
                f"This account has no prediction {prediction_id!r}; an id is one such as "
                "'gm3qorzdhgbfurvjtvhg6dckhu', and predictions.list() has the newest."
            )
            raise

    def cancel(self, prediction_id: str) -> Prediction:
        """Cancel a prediction by its id, and return it. One that has ended stays as it is.

        See https://replicate.com/docs/reference/http#predictions.cancel

        Args:
            prediction_id: The prediction's id, as in `Prediction.id`.

        Returns:
            The prediction as the API has it now.

        Raises:
            NotFoundError: There is no such prediction.

        Examples:
            >>> prediction = client.predictions.create("local/slow", {"seconds": 60})
            >>> client.predictions.cancel(prediction.id).status
            'canceled'
        """
        path = f"/predictions/{path_segment(prediction_id)}/cancel"
        prediction = Prediction.of_id(prediction_id, self.context)
        return self._transport.request("POST", path, build=prediction.update)

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

        Raises:
            InvalidInputError: The limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> greeting = client.run("replicate/hello-world", {"text": "Alice"})
            >>> next(client.predictions.list()).model
            'replicate/hello-world'
        """
        params = {
            "created_after": created_after,
            "created_before": created_before,
            "source": source,
        }
        return self._list("/predictions", self.from_json, limit, params)

    def about_model(self, model: str, send: Callable[[], _Returned]) -> _Returned:
        """Return what a request about a model returns; its error for an unknown one names others.

        Args:
            model: The model, "owner/name".
            send: Sends the request.

        Raises:
            UnknownModelError: There is no such model; the nearest are named.
        """
        try:
            return send()
        except UnknownModelError as error:
            self.near_names.add_to(error, model)
            raise

    def from_json(self, data: object) -> Prediction:
        """Return the live prediction that the API's JSON describes, without a request.

        Args:
            data: The API's JSON, such as the body of a webhook.

        Raises:
            UnexpectedDataError: It is not a prediction.

        Examples:
            >>> known = client.predictions.create("replicate/hello-world", {"text": "Alice"})
            >>> client.predictions.from_json({"id": known.id, "status": "starting"}).result()
            'hello Alice'
        """
        return Prediction(data, self.context)

    def place_files(
        self, validated: Mapping[str, object], options: CreateOptions
    ) -> dict[str, object]:
        """Return a validated input as it is sent: each file as a data URI, or as a URL."""
        return self._creator.place_files(validated, options)

    def register(self, *prediction_ids: str) -> None:
        """Remember predictions as known, so that no look-up adopts them."""
        own_ids.register(self._transport.base_url, *prediction_ids)

    def release(self, prediction_id: str) -> None:
        """Forget that a prediction is known, so that a look-up may adopt it."""
        own_ids.release(self._transport.base_url, prediction_id)

    def _latest_version(self, model: str, deadline: Deadline) -> str:
        """Return the version to run of a model that has no route of its own, and remember it."""
        try:
            version = self.context.schemas.latest_version(model, deadline)
        except UnknownModelError as error:
            self.near_names.add_to(error, model, deadline)
            raise
        self._versions[model] = version
        return version
