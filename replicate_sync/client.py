"""The door with a token: `Replicate` runs any model, streams its text, and gives back text, files or values."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, overload

import requests

from . import bars, inputs, prompts, refs
from .bodies import Plain
from .catalog import Catalog
from .creating import Creations
from .deadlines import Deadline
from .doors import Door
from .errors import TOKEN_PAGE, InvalidInputError
from .files import FileOutput
from .nouns import NamesOrNoun, Noun
from .outputs import could_be_either, may_be_text, result
from .parameters import spell
from .polling import Polling, Retries
from .predictions import Prediction
from .runnable import Predictions, Trainings
from .settings import API, Access
from .transport import Transport

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from typing_extensions import Unpack

    from .records import Found
    from .resources import Accounts, Collections, Deployments, Files, HardwareList, Models, Resources, Webhooks
    from .runs import OnError

TextModel = Literal["meta/meta-llama-3-70b-instruct", "llama-3-70b"]
ImageModel = Literal["black-forest-labs/flux-schnell", "flux-schnell"]

_OPEN_API = "https://replicate.com/api"  # gpt4free's base for calls without a token


class RunOptions(TypedDict, total=False):
    """What `run` takes besides model and input."""

    wait: float | bool
    validate: bool | None
    deadline: float | None
    cancel_on_exit: bool
    progress: bool


class Replicate(Door):
    """A client of Replicate's HTTP API, for plain scripts and notebook cells. One serves any number of threads.

    `api_key`: the token, else REPLICATE_API_TOKEN. `base_url`: else REPLICATE_BASE_URL, else https://api.replicate.com/v1;
    without a path it gets /v1. Both variables are read at each call. `proxy`: one URL for http and https; None: the
    environment's; "": none at all. `timeout`: seconds, the longest silence on one request (connecting: 10 at most).
    `headers`: further ones for requests to the API. `polling`, `retries`: when to look and to ask again. `session`: your
    own requests.Session, used in every thread. `needs_auth=False`: send no token, and use the base that is open without.

    A pickled client carries an `api_key` that it was given; one from the environment is read where it is unpickled.
    """

    url = "https://replicate.com"
    login_url = TOKEN_PAGE
    api_endpoint = f"{API}/models/"
    working = True
    needs_auth = True
    supports_stream = True
    default_model = "meta/meta-llama-3-70b-instruct"
    default_image_model = "black-forest-labs/flux-schnell"
    text_models: ClassVar[list[str]] = [default_model]
    image_models: ClassVar[list[str]] = [default_image_model]
    models: NamesOrNoun[Models] = NamesOrNoun([*text_models, *image_models])
    model_aliases: ClassVar[dict[str, str]] = {"llama-3-70b": default_model, "flux-schnell": default_image_model}
    model_versions: ClassVar[dict[str, str]] = {}

    account: Noun[Accounts] = Noun()
    collections: Noun[Collections] = Noun()
    deployments: Noun[Deployments] = Noun()
    files: Noun[Files] = Noun()
    hardware: Noun[HardwareList] = Noun()
    webhooks: Noun[Webhooks] = Noun()

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        proxy: str | None = None,
        timeout: float = 180,
        headers: Mapping[str, str] | None = None,
        polling: Polling = Polling(),  # noqa: B008  # a frozen value
        retries: Retries = Retries(),  # noqa: B008
        session: requests.Session | None = None,
        needs_auth: bool | None = None,
    ) -> None:
        if needs_auth is not None:
            self.needs_auth = needs_auth
        if not self.needs_auth and api_key is not None:
            raise InvalidInputError("needs_auth=False sends no token, so api_key= cannot be given with it.")
        self._transport = Transport(
            Access(base_url, api_key)
            if self.needs_auth
            else Access(base_url, default=_OPEN_API if base_url is None else API, variable=None, open=True),
            retries=retries,
            proxy=proxy,
            timeout=timeout,
            headers=headers,
            session=session,
        )
        self._catalog = Catalog(self._transport)
        self._creations = Creations(self._transport, polling, self._place)
        self.predictions = Predictions(self._creations, self._catalog, self.model_aliases)
        self.trainings = Trainings(self._creations)

    @cached_property
    def _nouns(self) -> Resources:
        from .resources import Resources  # late, as most programs only run models

        return Resources(self._creations, self.predictions, self.trainings)

    def _place(self, upload: inputs.Upload, progress: bool) -> str:
        return self.files.place(upload, progress)

    def search(self, query: str, *, limit: int | None = None) -> Found:
        """Search models, collections and pages; `limit`: how many of each, 1 to 50.

        https://replicate.com/docs/reference/http#search
        """
        from .records import Found  # late, as most programs only run models

        params = {"query": query} if limit is None else {"query": query, "limit": str(limit)}
        return Found.of(self._transport.request("GET", "/search", params=params))

    @classmethod
    def get_model(cls, name: str = "") -> str:
        """Give the full name behind an alias, or the default model for ""; "owner/name" passes.

        Raises ModelNotFoundError, naming the nearest known ones, for anything else.
        """
        return refs.resolve(name or cls.default_model, cls.model_aliases)

    def chat(
        self,
        messages: prompts.Messages,
        model: str = default_model,
        *,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop: str | Sequence[str] | None = None,
        extra_data: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> Generator[str, None, None]:
        """Yield a language model's answer as it is written.

        `messages`: a string, or dicts with `role` and `content`. The parameters are spelled as the model spells them; one
        that it does not have raises InvalidInputError. `stop`: a string or several. `extra_data`: further inputs, sent as
        they are; they win. Arguments and token are checked at once, the request is sent at the first `next()`. `deadline`
        and `cancel_on_exit` are those of `stream`.

        Raises as `stream` does. https://replicate.com/docs/topics/predictions/streaming
        """
        ref = refs.parse(self.get_model(model))
        given = {
            "prompt": prompts.prompt(messages),
            "system_prompt": system_prompt,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "stop": list(stop) if isinstance(stop, Iterable) and not isinstance(stop, str) else stop,
        }
        extra = inputs.checked(extra_data)
        first = inputs.checked({**spell(given, self._properties(ref, fetch=False)), **extra})
        self._transport.check()
        Deadline(deadline)
        return self._chatting(ref, given, extra, first, deadline, cancel_on_exit)

    def _chatting(
        self,
        ref: refs.Ref,
        given: Mapping[str, Any],
        extra: Mapping[str, Any],
        first: dict[str, Any],
        deadline: float | None,
        cancel_on_exit: bool,
    ) -> Generator[str, None, None]:
        limit = Deadline(deadline)
        try:
            # A parameter that the model knows under its name is the API's to judge.
            prediction = self._streamed(str(ref), first, limit, cancel_on_exit, validate=False)
        except InvalidInputError as error:
            respelled = self._respelled(ref, given, extra, error)
            if respelled is None or respelled == first:
                raise
            prediction = self._streamed(str(ref), respelled, limit, cancel_on_exit, validate=False)
        yield from prediction.stream(deadline=limit, cancel_on_exit=cancel_on_exit)

    def _respelled(
        self, ref: refs.Ref, given: Mapping[str, Any], extra: Mapping[str, Any], error: InvalidInputError
    ) -> dict[str, Any] | None:
        """Spell the parameters as the model does, where it refused one by its name."""
        if "dditional property" not in str(error.detail) and not any(
            "additional" in str(f.get("type")) for f in error.fields
        ):
            return None
        properties = self._properties(ref, fetch=True)
        return None if properties is None else {**spell(given, properties), **extra}

    def _properties(self, ref: refs.Ref, *, fetch: bool) -> Mapping[str, Any] | None:
        return self._catalog.inputs(ref, fetch=fetch) or None

    def stream(
        self,
        model: str,
        input: Mapping[str, Any] | None = None,
        *,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> Generator[str, None, None]:
        """Yield a model's text as it is written, exactly; a model that does not stream is polled.

        Model and input are checked at once, the request is sent at the first `next()`. `deadline`: the seconds that all of
        it may take from then on. Closed or interrupted before its end, the prediction is canceled, unless
        `cancel_on_exit=False`.

        Raises what `predictions.create` and `Prediction.stream` raise.
        https://replicate.com/docs/topics/predictions/streaming
        """
        name, given = refs.resolve(model, self.model_aliases), inputs.checked(input)
        Deadline(deadline)
        self._transport.check()
        return self._streaming(name, given, deadline, cancel_on_exit)

    def _streaming(
        self, model: str, given: dict[str, Any], deadline: float | None, cancel_on_exit: bool
    ) -> Generator[str, None, None]:
        limit = Deadline(deadline)
        prediction = self._streamed(model, given, limit, cancel_on_exit)
        yield from prediction.stream(deadline=limit, cancel_on_exit=cancel_on_exit)

    def _streamed(
        self,
        model: str,
        given: dict[str, Any],
        limit: Deadline,
        cancel_on_exit: bool,
        validate: bool | None = None,
    ) -> Prediction:
        # The open base is of the time when a stream had to be asked for.
        stream = None if self.needs_auth else True
        return self.predictions.create(
            model, given, deadline=limit, cancel_on_exit=cancel_on_exit, validate=validate, stream=stream
        )

    @overload
    def run(self, model: TextModel, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> str: ...

    @overload
    def run(
        self, model: ImageModel, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
    ) -> list[FileOutput]: ...

    @overload
    def run(self, model: str, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> Any: ...

    def run(
        self,
        model: str,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool = 60,
        validate: bool | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
    ) -> Any:
        """Block until a model has its result, and give it: text as str, a file as `FileOutput`, several as a list of
        them, anything else as the JSON value.

        `model`: "owner/name", "owner/name:version", a version id or an alias. `wait`: for how many seconds (60 at most)
        the API is asked to hold its answer back, so that a short run costs one request. Files in `input` and `validate`:
        as in `predictions.create`. `deadline`: the seconds that all
        of it may take. Interrupted, the prediction is canceled, unless `cancel_on_exit=False`. `progress`: show a bar with
        the status and the model's own percentage, and with the bytes of an upload of more than 5 MB; the API is looked at
        every second then, and `wait` does not count (needs the extra "progress").

        Raises what `predictions.create` and `Prediction.wait` raise.
        https://replicate.com/docs/topics/predictions/create-a-prediction
        """
        limit = Deadline(deadline)
        if progress:
            bars.check()
        prediction = self.predictions.create(
            model,
            input,
            wait=None if progress else wait,
            validate=validate,
            deadline=limit,
            cancel_on_exit=cancel_on_exit,
            progress=progress,
        )
        prediction.wait(deadline=limit, cancel_on_exit=cancel_on_exit, progress=progress)
        return self._result(prediction)

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
        progress: bool = False,
    ) -> Generator[Any, None, None]:
        """Yield a model's result for each of many inputs, in the order of the inputs.

        Lazy: inputs are taken only as results are asked for, so they may come from a generator without end, and
        `concurrency` predictions are in flight at a time. `ordered=False`: results as they come. `on_error="return"`:
        errors are yielded in their inputs' places, and nothing is kept; "raise": the first raises MapError, which carries
        every result so far, so that inputs without end are better mapped with "return".

        `journal`: a file that remembers each prediction. A program that was killed and is started again with the same
        model, inputs and file creates nothing twice and fetches what ended meanwhile; what it leaves running goes on.
        Without one, leaving early cancels what is in flight. `executor`: any `concurrent.futures.Executor`, such as Dask's,
        that does the waiting; creating and the journal stay in this process. A client that travels to a worker carries
        an `api_key` that it was given; a worker's environment gives any other. `progress`: show a bar with how many are
        done and failed, and how many a second (needs the extra "progress").

        Raises MapError; InvalidInputError for arguments that cannot be kept. Results are what `run` gives.
        """
        from . import runs  # late, as only a map needs threads of its own

        name = refs.resolve(model, self.model_aliases)
        runs.checked(concurrency, on_error, executor)
        self._transport.check()
        if progress:
            bars.check()

        def results() -> Generator[Any, None, None]:
            many = runs.Runs(self.predictions, name, self._result, executor=executor, journal=journal)
            yield from many.results(inputs, concurrency, ordered, on_error)

        return bars.counted(results(), inputs, name) if progress else results()

    def _result(self, prediction: Prediction) -> Any:
        output = prediction.output
        if isinstance(prediction.raw, Plain) and (prediction.raw.wordless or not may_be_text(output)):
            return output  # as it came, without a walk through it
        asked = could_be_either(output)
        schemas = self._catalog.schemas(prediction.model, prediction.version) if asked else None
        files = self._transport
        return result(output, schemas, files.download, files.base_url, files.fetch)

    @classmethod
    def create_completion(
        cls,
        model: str,
        messages: prompts.Messages,
        api_key: str | None = None,
        proxy: str | None = None,
        timeout: float = 180,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop: str | Sequence[str] | None = None,
        extra_data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Generator[str, None, None]:
        """Yield a language model's answer, from a client made for this one call.

        The parameters are those of gpt4free's `create_async_generator`; `kwargs` are further ones of the class
        (`base_url`, `polling`, `retries`, `session`). Raises as `chat` does.
        """
        client = cls(api_key, proxy=proxy, timeout=timeout, headers=headers, **kwargs)
        return client.chat(
            messages,
            model,
            system_prompt=system_prompt,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            stop=stop,
            extra_data=extra_data,
        )
