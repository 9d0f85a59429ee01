"""The client: `Replicate` runs any model and returns text, files or values."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from . import refs
from .base_client import BaseClient, describe_generator
from .chats.methods import DEFAULT_MODEL, ChatMethods
from .client_options import ClientOptions, build_context
from .deadline import Deadline
from .event_hook import EventHook
from .gpt4free import (
    Gpt4freeProvider,
    ModelsAttribute,
    pictures,
    sort_arguments,
    with_media,
)
from .http.config import API_URL, Token
from .http.request import validate_headers, validate_method, validate_path
from .polling import Polling, Retries
from .prediction import outcomes
from .prediction.create import Creator
from .prediction.create_options import (
    CreateOptions,
    PredictionRequest,
    create_headers,
    webhook_fields,
)
from .prediction.creation import LEAVING
from .prediction.usage import Price, Usage
from .resources.predictions import Predictions

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import requests

    from .batch.map_options import OnError, OnLost, Retry
    from .callable_model import CallableModel
    from .events import Listener
    from .payloads.messages import Messages
    from .payloads.result_files import Saver
    from .payloads.upload import Upload
    from .prediction.prediction import Prediction
    from .resources.account import Accounts
    from .resources.collections import Collections
    from .resources.deployments import Deployment, Deployments
    from .resources.files import Files
    from .resources.hardware import HardwareList
    from .resources.models import Model, Models
    from .resources.search import SearchResults
    from .resources.trainings import Trainings
    from .resources.versions import Version
    from .resources.webhooks import Webhooks

_T = TypeVar("_T")

_UNCHANGED: Any = ...  # the default of an option that is to stay


class Replicate(BaseClient, ChatMethods, Gpt4freeProvider):
    """A client of Replicate's HTTP API, for scripts and notebooks. Any thread may use it.

    `help(Replicate.run)`, and likewise for each of these, has its arguments and an example:

        run(model, input)         the result: a text, a file, several files, or a JSON value
        stream(model, input)      a language model's text, piece by piece
        chat(messages, model)     a reply, piece by piece; with schema=, an object
        conversation(model)       a chat that keeps its turns
        map(model, inputs)        many results, several at a time; with journal=, resumable
        use(model)                the model as a function
        search(query)             models, collections and pages that match a text
        predictions, models, deployments, trainings, files, collections, hardware, account,
        webhooks                  the operations of the API
        request(method, path)     any other operation
        usage                     what the predictions of this client have used
        with_options(...)         the same client with other options
        base_url, close()         where it leads, and its end
        create_completion, get_model, get_models, get_dict, get_parent
                                  what gpt4free needs of a provider

    A pickled client carries a token that was given to it; one from the environment is read again
    where it is unpickled.

    Args:
        api_key: The token; by default REPLICATE_API_TOKEN, read at each call.
        base_url: The base URL of the API, to which /v1 is added where it has no path; by default
            REPLICATE_BASE_URL, read at each call, or else https://api.replicate.com/v1.
        proxy: One URL of a proxy for http and https; "" for no proxy at all, None for those of the
            environment.
        timeout: The longest silence on one request, in seconds. Connecting may take 10 s.
        headers: Further headers for requests to the API.
        polling: When predictions are polled.
        retries: When failed requests are retried.
        session: A requests.Session to use in every thread; by default each thread has its own.
        file_hosts: Hosts whose files in a model's output may be downloaded although they are not on
            the public internet: "host", "host:port", or "*" for any. The API's own may always be.
        prices: What models cost, for `usage`: by "owner/name" the price of a second, or a dict of
            prices by unit ("second", "image", "input_token", "output_token", "prediction").
        on_event: Called with each `PredictionEvent`: what happens to predictions that this client
            creates or waits for, and which requests are retried. Any thread may call it. An error
            in it is logged, and breaks nothing.
        needs_auth: False if no token is needed: without `api_key` none is sent, and gpt4free's open
            base URL is used. With it, the official API is.

    Raises:
        InvalidInputError: An argument is wrong.

    Examples:
        >>> client = Replicate()  # the token is in REPLICATE_API_TOKEN
        >>> client.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
    """

    api_endpoint: str = f"{API_URL}/models/"
    needs_auth: bool = True
    default_model = DEFAULT_MODEL
    default_image_model = "black-forest-labs/flux-schnell"
    text_models: ClassVar[list[str]] = [default_model]
    image_models: ClassVar[list[str]] = [default_image_model]
    models: ModelsAttribute = ModelsAttribute([*text_models, *image_models])
    model_aliases: ClassVar[dict[str, str]] = {
        "llama-3-70b": default_model,
        "flux-schnell": default_image_model,
    }
    model_versions: ClassVar[dict[str, str]] = {}

    #: Predictions: `create`, `get`, `list`, `cancel`.
    predictions: Predictions

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        proxy: str | None = None,
        timeout: float = 180,
        headers: Mapping[str, str] | None = None,
        polling: Polling = Polling(),  # noqa: B008  # an immutable value
        retries: Retries = Retries(),  # noqa: B008
        session: requests.Session | None = None,
        file_hosts: Iterable[str] = (),
        prices: Mapping[str, Price] | None = None,
        on_event: Listener | None = None,
        needs_auth: bool | None = None,
    ) -> None:
        api_key = Token.of(api_key)  # here too, where an error shows the local variables
        self._set_up(
            ClientOptions(
                api_key=api_key,
                base_url=base_url,
                proxy=proxy,
                timeout=timeout,
                headers=headers,
                polling=polling,
                retries=retries,
                session=session,
                file_hosts=file_hosts,
                prices=prices,
                on_event=EventHook.of(on_event),
                needs_auth=needs_auth,
            )
        )

    def _set_up(self, options: ClientOptions) -> None:
        self._options = options
        if options.needs_auth is not None:
            self.needs_auth = options.needs_auth
        self._is_open = not self.needs_auth and options.api_key is None
        self._context = build_context(options, is_open=self._is_open)
        self._transport = self._context.transport
        self._creator = Creator(self._context, self._place_file)
        self.predictions = Predictions(self._creator, self.model_aliases)

    def with_options(
        self,
        *,
        api_key: str | None = _UNCHANGED,
        base_url: str | None = _UNCHANGED,
        proxy: str | None = _UNCHANGED,
        timeout: float = _UNCHANGED,
        headers: Mapping[str, str] | None = _UNCHANGED,
        polling: Polling = _UNCHANGED,
        retries: Retries = _UNCHANGED,
        session: requests.Session | None = _UNCHANGED,
        file_hosts: Iterable[str] = _UNCHANGED,
        prices: Mapping[str, Price] | None = _UNCHANGED,
        on_event: Listener | None = _UNCHANGED,
        needs_auth: bool | None = _UNCHANGED,
    ) -> Replicate:
        """Return a client with other options, on the same connections.

        Options that are not given are those of this client, which does not change.

        Args:
            api_key: See the class; likewise all other arguments.
            base_url: See there.
            proxy: See there.
            timeout: See there.
            headers: See there.
            polling: See there.
            retries: See there.
            session: See there.
            file_hosts: See there.
            prices: See there.
            on_event: See there.
            needs_auth: See there.

        Raises:
            InvalidInputError: An argument is wrong.

        Examples:
            >>> patient = client.with_options(timeout=600, polling=Polling(attempts=1000))
            >>> patient.run("replicate/hello-world", {"text": "Alice"})
            'hello Alice'
        """
        if api_key is not _UNCHANGED:
            api_key = Token.of(api_key)
        given: dict[str, Any] = {
            "api_key": api_key,
            "base_url": base_url,
            "proxy": proxy,
            "timeout": timeout,
            "headers": headers,
            "polling": polling,
            "retries": retries,
            "session": session,
            "file_hosts": file_hosts,
            "prices": prices,
            "on_event": on_event,
            "needs_auth": needs_auth,
        }
        changed = {name: value for name, value in given.items() if value is not _UNCHANGED}
        if "on_event" in changed:
            changed["on_event"] = EventHook.of(on_event)
        # Not its own constructor: a subclass may have other parameters.
        copy = object.__new__(self._copied_class)
        copy._set_up(self._options.replaced(changed))
        return copy

    @property
    def _copied_class(self) -> type[Replicate]:
        return type(self)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Any:
        """Return the JSON that the API responds to any request: for what has no name here.

            client.request("GET", "/predictions", params={"source": "web"})

        Args:
            method: The HTTP method. Anything but GET and HEAD is sent again only where it provably
                had no effect.
            path: The path behind the base URL, such as "/account".
            body: A value to send as JSON.
            params: The query.
            headers: Further headers.
            deadline: The seconds that all of it may take.

        Returns:
            The parsed body; None where it is empty.

        Raises:
            InvalidInputError: An argument is wrong.
            ConnectionFailed: There was no response; likewise any other ResponseError.

        Examples:
            >>> client.request("GET", "/account")["type"]
            'user'
        """
        validate_method(method)
        validate_path(path, self._transport.displayed_url)
        validate_headers(headers)
        return self._transport.request(
            method.upper(),
            path,
            body,
            params=params,
            headers=headers,
            repeatable=method.upper() in ("GET", "HEAD"),
            deadline=Deadline(deadline),
            build=lambda value: value,
        )

    # The other resources are imported when they are first used: most programs only run models.

    @cached_property
    def _models(self) -> Models:
        from .resources.models import Models

        return Models(self.predictions, self.model_aliases)

    @cached_property
    def trainings(self) -> Trainings:
        """Trainings: `create`, `get`, `list`, `cancel`.

        Examples:
            >>> [training.status for training in client.trainings.list(limit=3)]
            [...]
        """
        from .resources.trainings import Trainings

        return Trainings(self._creator, self.predictions)

    @cached_property
    def deployments(self) -> Deployments:
        """Deployments: `list`, `create`, `get`, `update`, `delete`, and their `predictions`.

        Examples:
            >>> deployments = client.deployments.list(limit=3)
            >>> [deployment.name for deployment in deployments]
            [...]
        """
        from .resources.deployments import Deployments

        return Deployments(self.predictions)

    @cached_property
    def files(self) -> Files:
        """Uploaded files: `create`, `get`, `list`, `delete`, `download`.

        Examples:
            >>> client.files.create(b"some bytes").size
            10
        """
        from .resources.files import Files

        return Files(self._transport)

    @cached_property
    def collections(self) -> Collections:
        """Collections of models: `list`, `get`.

        Examples:
            >>> [collection.slug for collection in client.collections.list()]
            [...]
        """
        from .resources.collections import Collections

        return Collections(self._models)

    @cached_property
    def hardware(self) -> HardwareList:
        """The hardware that models run on: `list`.

        Examples:
            >>> [hardware.sku for hardware in client.hardware.list()]
            ['cpu', ...]
        """
        from .resources.hardware import HardwareList

        return HardwareList(self._transport)

    @cached_property
    def account(self) -> Accounts:
        """The account of the token: `get`.

        Examples:
            >>> client.account.get().username
            'local'
        """
        from .resources.account import Accounts

        return Accounts(self._transport)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhooks: `receive`, `verify`, and `default.secret`.

        Examples:
            >>> client.webhooks.default.secret.get()
            Secret()
        """
        from .resources.webhooks import Webhooks

        return Webhooks(self.predictions, self.trainings)

    def search(self, query: str, *, limit: int | None = None) -> SearchResults:
        """Return the models, collections and pages that match a text.

        See https://replicate.com/docs/reference/http#search

        Args:
            query: The text.
            limit: How many of each, 1 to 50.

        Raises:
            ResponseError: The API refused, as for a limit of more than 50.
            ConnectionFailed: There was no response.

        Examples:
            >>> [model.name for model in client.search("flux").models]
            ['flux-schnell']
        """
        from .resources.search import search

        return search(self._models, query, limit)

    @property
    def usage(self) -> Usage:
        """What the predictions of this client have used, by model; printed, a table.

        The metrics of texts that were streamed are fetched when this is read.

        Examples:
            >>> result = client.run("replicate/hello-world", {"text": "Alice"})
            >>> client.usage["replicate/hello-world"].predictions > 0
            True
        """
        return self._context.usage.fetch()

    def _place_file(self, upload: Upload, progress: bool, deadline: Deadline) -> str:
        return self.files.place(upload, progress, deadline)

    @classmethod
    def get_model(cls, name: str = "") -> str:
        """Return the full name behind an alias.

        Args:
            name: An alias, a full name, which is returned as it is, or "" for the default model.

        Raises:
            ModelNotFoundError: It is none of these; the nearest known names are named.

        Examples:
            >>> Replicate.get_model("llama-3-70b")
            'meta/meta-llama-3-70b-instruct'
        """
        return str(refs.resolve(name or cls.default_model, cls.model_aliases))

    def stream(
        self,
        model: str | Model | Version | Deployment,
        input: Mapping[str, Any] | None = None,
        *,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> Generator[str, None, None]:
        """Yield a model's text as it is written; a model without an event stream is polled.

        The arguments and the token are validated at once; the request is sent at the first
        `next()`. See https://replicate.com/docs/topics/predictions/streaming

        Args:
            model: As in `run`.
            input: As in `run`.
            webhook: As in `run`; likewise `webhook_events_filter`, `cancel_after` and `validate`.
            webhook_events_filter: See there.
            cancel_after: See there.
            validate: See there.
            deadline: The seconds that all of it may take, from the first `next()` on.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Pieces of the text.

        Raises:
            ReplicateError: As `predictions.create` and `Prediction.stream` do.

        Examples:
            >>> llama = "meta/meta-llama-3-70b-instruct"
            >>> pieces = []
            >>> prompt = {"prompt": "Tell me about rivers.", "max_tokens": 5}
            >>> for text in client.stream(llama, prompt):
            ...     pieces.append(text)  # or print(text, end="", flush=True)
            >>> len(pieces)
            5
        """
        fields = {**self._stream_fields(), **webhook_fields(webhook, webhook_events_filter)}
        request = self.predictions.prepare(model, input, fields)
        headers = create_headers(self._context, None, cancel_after, Deadline(deadline))
        self._transport.validate_config()
        return describe_generator(
            self._stream(request, headers, deadline, cancel_on_exit, validate),
            f"the text of {request.ref}: loop over it, or show() it",
        )

    def _stream(
        self,
        request: PredictionRequest,
        headers: Mapping[str, str],
        deadline: float | None,
        cancel_on_exit: bool,
        validate: bool | None,
    ) -> Generator[str, None, None]:
        limit = Deadline(deadline)
        options = CreateOptions(headers, limit, cancel_on_exit)
        creation = self.predictions.plan(request, options, validate=validate)
        try:
            prediction = self.predictions.send(creation, options)
            yield from prediction.stream(deadline=limit, cancel_on_exit=cancel_on_exit)
        except LEAVING as leaving:
            self.predictions.leave(creation, leaving, cancel=cancel_on_exit)
            raise

    def _stream_fields(self) -> dict[str, object]:
        # gpt4free's open base URL is of the time when a stream had to be asked for.
        if self._is_open:
            return {"stream": True}
        return {}

    @overload
    def run(
        self,
        model: str | Model | Version | Deployment,
        input: Mapping[str, Any] | None = None,
        *,
        expect: None = None,
        wait: float | bool = 60,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
        save: str | os.PathLike[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        key: str = "",
        on_lost: OnLost = "raise",
    ) -> Any: ...

    @overload
    def run(
        self,
        model: str | Model | Version | Deployment,
        input: Mapping[str, Any] | None = None,
        *,
        expect: type[_T],
        wait: float | bool = 60,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
        save: str | os.PathLike[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        key: str = "",
        on_lost: OnLost = "raise",
    ) -> _T: ...

    def run(
        self,
        model: str | Model | Version | Deployment,
        input: Mapping[str, Any] | None = None,
        *,
        expect: type[_T] | None = None,
        wait: float | bool = 60,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
        save: str | os.PathLike[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        key: str = "",
        on_lost: OnLost = "raise",
    ) -> _T | Any:
        """Run a model, wait for its result, and return it.

        See https://replicate.com/docs/topics/predictions/create-a-prediction

        Args:
            model: "owner/name" for its latest version, "owner/name:version", a version id,
                "deployments/owner/name" for a deployment, or an alias.
            input: The model's input. A file in it, at any depth, is a path, an open binary file,
                bytes, a picture or a `FileOutput`.
            expect: The type of the result: str, FileOutput, list[FileOutput], dict … A result of
                another type raises an error, so a type checker knows the type of the result.
            wait: For how many seconds, up to 60, the API may hold its response back, so that a
                short prediction costs one request.
            webhook: The URL that the API is to call as well.
            webhook_events_filter: On which events: "start", "output", "logs", "completed".
            cancel_after: After how much time the API cancels it: seconds, or such as "1h30m".
            validate: Whether to validate the input against the model's schema: True fetches that,
                None uses it where it has been asked for, as by `models.inputs`, False does not
                validate.
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether an interruption cancels the prediction.
            progress: Whether to display a progress bar: status, the model's own percentage, and
                the bytes of uploads of more than 5 MB. The API is then polled every second, and
                `wait` is ignored. Needs the extra "progress".
            save: A folder, in which the files of the result are saved as soon as it is known, as
                "<number>-<name>"; each `FileOutput` has its `path`, and reads from there.
            journal: A file that remembers the prediction, by its model, its input and `key`. The
                same call in a program that is started again returns the result in the file, or
                waits for the prediction if it is still running, or runs it again if it failed. So
                a chain of runs continues where it stopped. With a journal, an interruption cancels
                nothing, and `wait` is ignored.
            key: Distinguishes runs of the same model and input in the journal.
            on_lost: As in `map`.

        Returns:
            A str for text, a `FileOutput` for a file, a list of them for several files, or else
            the JSON value, with files in it as `FileOutput`.

        Raises:
            OutputTypeError: The result is not of the expected type; `prediction.output` has it.
            ReplicateError: As `predictions.create` and `Prediction.wait` do.
            JournalError: The journal could not be written or read.

        Examples:
            >>> client.run("replicate/hello-world", {"text": "Alice"})
            'hello Alice'
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.name
            'out-0.webp'
        """
        limit = Deadline(deadline)
        if expect is not None:
            from .payloads.python_types import validate_expected

            validate_expected(expect)
        if progress:
            from .display.progress import require_tqdm

            require_tqdm()
        saver = None
        if save is not None:
            saver = _make_saver(save)
        fields = webhook_fields(webhook, webhook_events_filter)
        request = self.predictions.prepare(model, input, fields)
        if journal is not None:
            headers = create_headers(self._context, None, cancel_after, limit)
            options = CreateOptions(headers, limit, cancel_on_exit=False, progress=progress)
            prediction, result = self._run_with_journal(
                request, options, validate, saver, (journal, key, on_lost)
            )
            return _expected(result, expect, prediction)
        headers = create_headers(self._context, None if progress else wait, cancel_after, limit)
        options = CreateOptions(headers, limit, cancel_on_exit, progress)
        creation = self.predictions.plan(request, options, validate=validate)
        try:
            prediction = self.predictions.send(creation, options)
            prediction.wait(deadline=limit, cancel_on_exit=cancel_on_exit, progress=progress)
            result = prediction.parse_output(deadline=limit)
            if saver is not None:
                from .payloads.result_files import find_files

                prediction.save_files(find_files(result), saver, deadline=limit)
        except LEAVING as leaving:  # also between two of these steps
            self.predictions.leave(creation, leaving, cancel=cancel_on_exit)
            raise
        if expect is None:
            return result
        return _expected(result, expect, prediction)

    def _run_with_journal(
        self,
        request: PredictionRequest,
        options: CreateOptions,
        validate: bool | None,
        saver: Saver | None,
        journal: tuple[str | os.PathLike[str], str, OnLost],
    ) -> tuple[Prediction, Any]:
        """Return the prediction that a journal has, or a new one, and its result."""
        # Late, as sqlite3 takes time that most programs need not spend.
        from .batch.map_options import journal_options
        from .batch.single_run import prepare_run, run_with_journal

        path, key, on_lost = journal
        run = prepare_run(self.predictions, request, options, validate=validate, name=key)
        recording = journal_options(path, on_lost, "failed")
        assert recording is not None
        return run_with_journal(self.predictions, run, recording, saver, options.deadline)

    @overload
    def use(self, model: str | Model | Version | Deployment) -> CallableModel[Any]: ...

    @overload
    def use(
        self, model: str | Model | Version | Deployment, *, expect: type[_T]
    ) -> CallableModel[_T]: ...

    def use(
        self, model: str | Model | Version | Deployment, *, expect: type[_T] | None = None
    ) -> CallableModel[Any]:
        """Return a model as a function, whose parameters are the model's inputs.

            flux = client.use("black-forest-labs/flux-schnell")
            pictures = flux(prompt="a lighthouse", num_outputs=2)

        Its schema is fetched once, by this call. An input that is misspelt or of another type
        raises an error before anything is sent.

        Args:
            model: As in `run`.
            expect: The type of its results, as in `run`.

        Raises:
            ModelNotFoundError: There is no such model, or it has no version.
            InvalidInputError: Its results are of another type than `expect`.

        Examples:
            >>> hello = client.use("replicate/hello-world")
            >>> hello(text="Alice")
            'hello Alice'
        """
        from .callable_model import CallableModel, fetch_schema
        from .resources.base import reference_to

        if expect is not None:
            from .payloads.python_types import validate_expected

            validate_expected(expect)
        ref = refs.resolve(reference_to(model), self.model_aliases)
        return CallableModel(self, ref, fetch_schema(self, ref, model), expect)

    def map(
        self,
        model: str,
        inputs: Iterable[Mapping[str, Any]],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        executor: Executor | None = None,
        journal: str | os.PathLike[str] | None = None,
        retry: Retry | Iterable[Retry] | None = None,
        on_lost: OnLost = "raise",
        save: str | os.PathLike[str] | None = None,
        budget: float | None = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        progress: bool = False,
    ) -> Generator[Any, None, None]:
        """Yield a model's result for each of many inputs, in the order of the inputs.

        Inputs are taken only as results are asked for, so they may come from a generator without
        an end. Without a journal, leaving early cancels what is in flight.

        Args:
            model: As in `run`.
            inputs: Inputs as in `run`.
            concurrency: How many predictions are in flight at a time.
            ordered: False to yield results as they come.
            on_error: "raise": the first error raises MapError, which has every result so far;
                "return": errors are yielded in the places of their inputs, and nothing is kept.
            executor: Any `concurrent.futures.Executor`, such as Dask's, that does the waiting.
                Predictions are created in this process, and so is the journal. A client that is
                sent to a worker takes along a token that was given to it; any other token is
                read from the worker's environment.
            journal: A file that remembers each prediction. If the program is killed and started
                again with the same model, inputs and file, it creates nothing twice, and fetches
                what has ended meanwhile. With a journal, leaving cancels nothing. One process at a
                time can use it.
            retry: Which inputs in the journal to run again: "failed" for predictions that
                failed or were canceled, "expired" for those whose output was removed.
            on_lost: What to do if the program was killed while it created a prediction, and the
                API has removed its input since, so that nobody can tell whether it was created:
                "raise" an error for that input, or create it "again".
            save: A folder. Files of results are saved there as soon as a prediction has ended, as
                "<index>-<name>"; each `FileOutput` has its `path`, and reads from there. The paths
                are in the journal, so a restart does not download the files again. It saves the
                files of what ended meanwhile before it creates anything.
            budget: The money to spend, by the client's `prices`. When it is spent, no further
                prediction is created, and MapError is raised after the results. Predictions that
                are in flight at that time may exceed it.
            webhook: As in `run`; likewise `webhook_events_filter`, `cancel_after` and `validate`.
            webhook_events_filter: See there.
            cancel_after: See there.
            validate: See there.
            progress: Whether to display a progress bar: how many are done and failed, and how many
                a second. Needs the extra "progress".

        Yields:
            Results as `run` returns them.

        Raises:
            MapError: A prediction failed, and `on_error` is "raise"; the journal could not be
                written; or the budget is spent.
            InvalidInputError: An argument is wrong.

        Examples:
            >>> names = ({"text": name} for name in ("Alice", "Bob"))
            >>> list(client.map("replicate/hello-world", names, journal="greetings.db"))
            ['hello Alice', 'hello Bob']
        """
        # Late, as only a map needs threads of its own.
        from .batch.budget import Budget, results_within
        from .batch.map_options import journal_options, validate_window
        from .batch.runner import BatchRunner

        fields = webhook_fields(webhook, webhook_events_filter)
        request = self.predictions.prepare(model, None, fields)
        create_headers(self._context, None, cancel_after, Deadline())
        validate_window(inputs, concurrency, on_error, executor)
        recording = journal_options(journal, on_lost, retry)
        saver = None
        if save is not None:
            saver = _make_saver(save)
        self._transport.validate_config()
        if progress:
            from .display.progress import batch_progress, require_tqdm

            require_tqdm()

        events = self._context.events.branch()
        usage = Usage(whole=self._context.usage)
        predictions = self.predictions.apart(events, usage)
        limit = None
        if budget is not None:
            limit = Budget(budget, usage, request.ref)
        make_runner = partial(
            BatchRunner,
            predictions,
            request,
            cancel_after=cancel_after,
            validate=validate,
            executor=executor,
            journal=recording,
            saver=saver,
        )
        generator = results_within(limit, make_runner, inputs, concurrency, ordered, on_error)
        if progress:
            generator = batch_progress(generator, inputs, str(request.ref), events.listening)
        return describe_generator(generator, f"the results of {request.ref}: loop over it")

    @classmethod
    def create_completion(
        cls,
        model: str,
        messages: Messages,
        stream: bool | str | None = None,
        api_key: str | None = None,
        proxy: str | None = None,
        timeout: float | None = 180,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop: str | Sequence[str] | None = None,
        extra_data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        prompt: str | None = None,
        reasoning_effort: str | None = None,
        verbosity: str | None = None,
        **kwargs: Any,
    ) -> Generator[Any, None, None]:
        """Yield a language model's reply, from a client that is made for this one call.

        It is what gpt4free calls of a provider; an image model draws.

        Args:
            model: As in `chat`; likewise those that are not named here.
            messages: See `chat`.
            stream: Whether gpt4free streams; the text comes piece by piece in either case. A string
                is the `api_key`, which is the third parameter of gpt4free's own provider.
            api_key: See the class; likewise `proxy`, `timeout` and `headers`.
            proxy: See the class.
            timeout: See the class.
            system_prompt: See `chat`.
            max_tokens: See `chat`.
            temperature: See `chat`.
            top_p: See `chat`.
            top_k: See `chat`.
            stop: See `chat`.
            extra_data: See `chat`; likewise `extra_body`, its newer name in gpt4free.
            headers: See the class.
            prompt: What a picture is to show; the text of the last message by default.
            reasoning_effort: See `chat`.
            verbosity: See `chat`.
            **kwargs: Further parameters of the class: `base_url`, `polling`, `retries`, `session`;
                and of gpt4free: `media`, `seed`, `response_format` and so on.

        Yields:
            Pieces of the text. Of an image model, pictures: gpt4free's own, where it is loaded.

        Raises:
            ReplicateError: As `chat` does.

        Examples:
            >>> messages = [{"role": "user", "content": "Hello"}]
            >>> llama = "meta/meta-llama-3-70b-instruct"
            >>> "".join(Replicate.create_completion(llama, messages, max_tokens=5))
            '...'
        """
        from .payloads.messages import last_content, without_empty_replies

        if isinstance(stream, str):
            api_key = stream
            stream = None  # a traceback would show it
        api_key = Token.of(api_key)
        arguments = sort_arguments({"extra_data": extra_data, **kwargs})
        messages = without_empty_replies(messages)
        seconds = 180 if timeout is None else timeout
        client = cls(api_key, proxy=proxy, timeout=seconds, headers=headers, **arguments.others)
        default = cls.default_model if prompt is None else cls.default_image_model
        ref = refs.resolve(model or default, cls.model_aliases)
        if prompt is not None or ref.model in cls.image_models:
            text = last_content(messages) if prompt is None else prompt
            return client._draw(str(ref), {"prompt": text, **arguments.extra}, text)
        reply = client.chat(
            with_media(messages, arguments.media),
            str(ref),
            system_prompt=system_prompt,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            stop=stop,
            reasoning_effort=reasoning_effort,
            verbosity=verbosity,
            extra_data=arguments.extra,
            schema=arguments.schema,
        )
        if arguments.schema is None:
            return reply  # type: ignore[no-any-return]
        return (json.dumps(answer, ensure_ascii=False) for answer in (reply,))

    def _draw(
        self, model: str, given: Mapping[str, Any], prompt: str
    ) -> Generator[object, None, None]:
        prediction = self.predictions.create(model, given).wait()
        yield from pictures(prediction.parse_output(), prompt)


def _make_saver(folder: str | os.PathLike[str]) -> Saver:
    from .payloads.result_files import Saver  # late, as few save anything

    return Saver(folder)


def _expected(result: Any, expect: type[_T] | None, prediction: Prediction) -> Any:
    """Return a result that is of the type that its caller expects.

    Raises:
        OutputTypeError: It is not.
    """
    from .payloads.python_types import is_instance, type_name

    if expect is not None and not is_instance(result, expect):
        error = outcomes.output_type_error(prediction, type_name(expect), result)
        error.prediction = prediction
        raise error
    return result
