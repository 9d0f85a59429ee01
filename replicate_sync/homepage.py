"""The client of the homepage's demo: `ReplicateHome` runs a few pinned models, and only polls.

Without a token it speaks the protocol of Replicate's homepage, whose public endpoint has been
closed; with one it runs the same models and versions through the official API.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, ClassVar, overload

import requests

from . import refs
from .base_client import BaseClient, describe_generator
from .deadline import Deadline
from .event_hook import EventHook
from .exceptions import (
    InvalidInputError,
    PredictionFailed,
)
from .gpt4free import Gpt4freeProvider, pictures, sort_arguments, with_media
from .homepage_prediction import PolledPrediction, create_on_homepage
from .http.config import ApiConfig, Token
from .http.transport import Transport
from .payloads.file_output import ImageOutput
from .payloads.messages import Messages, build_prompt, last_content, without_empty_replies
from .payloads.output_urls import first_file
from .payloads.schema_cache import SchemaCache
from .payloads.upload import Upload
from .polling import Polling, Retries
from .prediction.context import Context
from .prediction.create import Creator
from .prediction.create_options import CreateOptions, PredictionRequest, create_headers
from .prediction.prediction import Prediction
from .prediction.usage import Usage
from .resources.predictions import Predictions

_HOMEPAGE_URL = "https://homepage.replicate.com"
_HOLD = 60.0  # seconds for which the official API is asked to hold a response back


class ReplicateHome(BaseClient, Gpt4freeProvider):
    """A client of a few pinned models, text and image, that only polls. Any thread may use it.

    Args:
        api_key: A token. With it the models run through the official API. Without it they run
            through the homepage, and the token of the environment is not used.
        base_url: The base URL of the one or the other.
        proxy: As for `Replicate`.
        timeout: As for `Replicate`.
        polling: As for `Replicate`.
        retries: As for `Replicate`.
        session: As for `Replicate`.
        file_hosts: As for `Replicate`.

    Raises:
        InvalidInputError: An argument is wrong.

    Examples:
        >>> home = ReplicateHome(api_key=client.server.token, base_url=client.base_url)
        >>> "".join(home.chat("Tell me about rivers."))
        '...'
    """

    api_endpoint: str = f"{_HOMEPAGE_URL}/api/prediction"
    needs_auth = False
    default_model = "google-deepmind/gemma-2b-it"
    default_image_model = "stability-ai/stable-diffusion-3"
    text_models: ClassVar[list[str]] = [default_model]
    image_models: ClassVar[list[str]] = [
        default_image_model,
        "bytedance/sdxl-lightning-4step",
        "playgroundai/playground-v2.5-1024px-aesthetic",
    ]
    models: ClassVar[list[str]] = [*text_models, *image_models]
    model_aliases: ClassVar[dict[str, str]] = {
        "gemma-2b": default_model,
        "sd-3": default_image_model,
        "sdxl": "bytedance/sdxl-lightning-4step",
        "playground-v2.5": "playgroundai/playground-v2.5-1024px-aesthetic",
    }
    model_versions: ClassVar[dict[str, str]] = {
        "google-deepmind/gemma-2b-it": (
            "dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626"
        ),
        "stability-ai/stable-diffusion-3": (
            "527d2a6296facb8e47ba1eaf17f142c240c19a30894f437feee9b91cc29d8e4f"
        ),
        "bytedance/sdxl-lightning-4step": (
            "5f24084160c9089501c1b3545d9be3c27883ae2239b6f412990e82d4a6210f8f"
        ),
        "playgroundai/playground-v2.5-1024px-aesthetic": (
            "a45f82a1382bed5c7aeb861dac7c7d191b0fdf74d8d57c4a0e6ed7d4d0bf7d24"
        ),
    }

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        proxy: str | None = None,
        timeout: float = 180,
        polling: Polling = Polling(),  # noqa: B008  # an immutable value
        retries: Retries = Retries(),  # noqa: B008
        session: requests.Session | None = None,
        file_hosts: Iterable[str] = (),
    ) -> None:
        api_key = Token.of(api_key)
        config = ApiConfig(base_url, api_key)
        if api_key is None:
            config = ApiConfig(base_url, default=_HOMEPAGE_URL, variable=None, is_open=True)
        self._transport = Transport(
            config,
            retries=retries,
            proxy=proxy,
            timeout=timeout,
            session=session,
            file_hosts=file_hosts,
        )
        self._context = Context(
            self._transport, polling, SchemaCache(self._transport), Usage(), EventHook()
        )
        self._extra_input: dict[str, object] = {}
        self._official: Predictions | None = None
        if api_key is not None:
            self._official = Predictions(Creator(self._context, _place_inline), self.model_aliases)

    @classmethod
    def get_model(cls, name: str = "") -> str:
        """Return the full name behind an alias.

        Args:
            name: An alias, a full name, or "" for the default model.

        Raises:
            ModelNotFoundError: It is not a model with a pinned version; the nearest are named.

        Examples:
            >>> ReplicateHome.get_model("")
            '...'
        """
        full_name = str(refs.resolve(name or cls.default_model, cls.model_aliases))
        if full_name not in cls.model_versions:
            known = [*cls.model_aliases, *cls.model_versions]
            message = f"{name!r} is not one of the homepage's models; Replicate() runs any."
            raise refs.unknown_model_error(name, known, message)
        return full_name

    def chat(
        self,
        messages: Messages,
        model: str = "gemma-2b",
        *,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> Generator[str, None, None]:
        """Yield a text model's reply, as much as each poll brings.

        The arguments and the token are validated at once; the request is sent at the first
        `next()`.

        Args:
            messages: As for `Replicate.chat`.
            model: One of `text_models`, or its alias.
            deadline: The seconds that all of it may take, from the first `next()` on.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Pieces of the text.

        Raises:
            InvalidInputError: The model writes no text.
            ReplicateError: As `Prediction.stream` does.
            ResponseError: The homepage refuses, or is gone; likewise ConnectionFailed.

        Examples:
            >>> home = ReplicateHome(api_key=client.server.token, base_url=client.base_url)
            >>> "".join(home.chat("Tell me about rivers."))
            '...'
        """
        name = self._validate_model(self.text_models, model, "writes no text; use image()")
        Deadline(deadline)
        chat = self._chat(name, build_prompt(messages), deadline, cancel_on_exit)
        return describe_generator(chat, f"the reply of {name}: loop over it, or show() it")

    def _chat(
        self, name: str, prompt: str, deadline: float | None, cancel_on_exit: bool
    ) -> Generator[str, None, None]:
        limit = Deadline(deadline)
        prediction = self._create(name, prompt, limit, cancel_on_exit)
        yield from prediction.stream(deadline=limit, cancel_on_exit=cancel_on_exit)

    def image(
        self,
        prompt: str,
        model: str = "sd-3",
        *,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> ImageOutput:
        """Block until an image model has made a picture, and return that.

        Args:
            prompt: What the picture shows.
            model: One of `image_models`, or its alias.
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether an interruption cancels the prediction.

        Returns:
            The picture; `save`, `read` and `image` have its content.

        Raises:
            InvalidInputError: The model makes no images.
            ReplicateError: As `Prediction.wait` does.
            ResponseError: The homepage refuses, or is gone; likewise ConnectionFailed.

        Examples:
            >>> home = ReplicateHome(api_key=client.server.token, base_url=client.base_url)
            >>> home.image("a lighthouse").prompt
            'a lighthouse'
        """
        name = self._validate_model(self.image_models, model, "makes no images; use chat()")
        if not isinstance(prompt, str):
            raise InvalidInputError(
                f"The prompt of an image is a string, not {type(prompt).__name__}."
            )
        limit = Deadline(deadline)
        prediction = self._create(name, prompt, limit, cancel_on_exit)
        prediction.wait(deadline=limit, cancel_on_exit=cancel_on_exit)
        url = first_file(prediction.output)
        if url is None:
            error = PredictionFailed(
                f"Prediction {prediction.id} of {name} succeeded without a picture in its output."
            )
            error.prediction = prediction
            raise error
        return ImageOutput(url, prompt, self._transport.downloader)

    @overload
    @classmethod
    def create_completion(
        cls,
        model: str,
        messages: Messages,
        stream: str | None = ...,
        prompt: str | None = ...,
        proxy: str | None = ...,
        **kwargs: Any,
    ) -> str | ImageOutput: ...

    @overload
    @classmethod
    def create_completion(
        cls,
        model: str,
        messages: Messages,
        stream: bool,
        prompt: str | None = ...,
        proxy: str | None = ...,
        **kwargs: Any,
    ) -> Generator[Any, None, None]: ...

    @classmethod
    def create_completion(
        cls,
        model: str,
        messages: Messages,
        stream: bool | str | None = None,
        prompt: str | None = None,
        proxy: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Block for one result, from a client that is made for this one call.

        It is what gpt4free calls of a provider.

        Args:
            model: One of `models`, or its alias.
            messages: As for `chat`; a picture is made of the content of the last one.
            stream: gpt4free says here whether it streams, and gets a generator. A string is the
                `prompt`, which is the third parameter of gpt4free's own provider.
            prompt: What to use in place of the messages.
            proxy: See the class.
            **kwargs: Further parameters of the class; and of gpt4free: `seed`, `extra_body` and so
                on, which are inputs of the model.

        Returns:
            The whole text, or the picture of an image model. For gpt4free, a generator of pieces of
            the text, or of the picture.

        Raises:
            ReplicateError: As `chat` and `image` do.

        Examples:
            >>> ReplicateHome.create_completion("no model", "Hello")
            Traceback (most recent call last):
                ...
            replicate_sync.exceptions.ModelNotFoundError: ...
        """
        if isinstance(stream, str):
            prompt = stream
        is_provider = isinstance(stream, bool) or "provider" in kwargs
        if "api_key" in kwargs:
            kwargs["api_key"] = Token.of(kwargs["api_key"])
        arguments = sort_arguments(kwargs)
        home = cls(proxy=proxy, **arguments.others)
        home._extra_input = arguments.extra
        default = cls.default_image_model if prompt is not None and is_provider else ""
        name = cls.get_model(model or default)
        given = without_empty_replies(messages if prompt is None else prompt)
        given = with_media(given, arguments.media)
        if name in cls.image_models:
            text = last_content(given)
            if is_provider:
                return (found for _ in (0,) for found in pictures(home.image(text, name), text))
            return home.image(text, name)
        reply = home.chat(given, name)
        if is_provider:
            return reply
        return "".join(reply)

    def _validate_model(self, models: list[str], model: str, otherwise: str) -> str:
        name = self.get_model(model)
        if name not in models:
            raise InvalidInputError(f"{name} {otherwise}. Models here: {', '.join(models)}.")
        self._transport.validate_config()
        return name

    def _create(
        self, name: str, prompt: str, deadline: Deadline, cancel_on_exit: bool
    ) -> Prediction:
        ref = refs.ModelRef(name, self.model_versions[name])
        given = {"prompt": prompt, **self._extra_input}
        if self._official is None:
            return create_on_homepage(self._context, ref, given, deadline)
        headers = create_headers(self._context, _HOLD, None, deadline)
        options = CreateOptions(headers, deadline, cancel_on_exit)
        created = self._official.start(PredictionRequest(ref, given), options)
        polled = PolledPrediction(created.raw, self._context)
        if created.creation is not None:
            created.creation.resolve(polled)
        return polled


def _place_inline(upload: Upload, progress: bool, deadline: Deadline) -> str:
    """Return a file as a data URI: these models take no uploads."""
    return upload.data_uri()
