"""The door of the homepage's demo: `ReplicateHome` asks for an answer and polls, for a few pinned models.

Without a key it speaks the protocol of Replicate's homepage, whose public endpoint has been closed; with one it runs the
same models and versions through the official API.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Literal, TypeVar, overload

import requests

from . import inputs, prompts, refs
from .catalog import Catalog
from .creating import Creations
from .deadlines import Deadline
from .doors import Door
from .errors import ConnectionFailed, InvalidInputError, PredictionFailed, ReplicateError, ResponseError, add
from .files import ImageOutput
from .outputs import first_file
from .polling import Polling, Retries
from .predictions import Prediction
from .runnable import Predictions
from .settings import Access
from .transport import Transport

TextModel = Literal["google-deepmind/gemma-2b-it", "gemma-2b"]
ImageModel = Literal[
    "stability-ai/stable-diffusion-3",
    "bytedance/sdxl-lightning-4step",
    "playgroundai/playground-v2.5-1024px-aesthetic",
    "sd-3",
    "sdxl",
    "playground-v2.5",
]

_HOMEPAGE = "https://homepage.replicate.com"
_WAY_OUT = (
    "Replicate's public homepage endpoint has been closed; pass a token, ReplicateHome(api_key=…), and the same models "
    "run through the official API."
)


class ReplicateHome(Door):
    """A client for a few pinned models, text and image, that only polls. One serves any number of threads.

    `api_key`: a token; with it the models run through the official API, and `base_url` is that API's. Without it the
    homepage protocol is spoken, and the environment's token is not used. The other parameters are those of `Replicate`.
    """

    url = "https://replicate.com"
    login_url = "https://replicate.com/account/api-tokens"
    api_endpoint = f"{_HOMEPAGE}/api/prediction"
    working = True
    needs_auth = False
    supports_stream = True
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
        "google-deepmind/gemma-2b-it": "dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626",
        "stability-ai/stable-diffusion-3": "527d2a6296facb8e47ba1eaf17f142c240c19a30894f437feee9b91cc29d8e4f",
        "bytedance/sdxl-lightning-4step": "5f24084160c9089501c1b3545d9be3c27883ae2239b6f412990e82d4a6210f8f",
        "playgroundai/playground-v2.5-1024px-aesthetic": "a45f82a1382bed5c7aeb861dac7c7d191b0fdf74d8d57c4a0e6ed7d4d0bf7d24",
    }

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        proxy: str | None = None,
        timeout: float = 180,
        polling: Polling = Polling(),  # noqa: B008  # a frozen value
        retries: Retries = Retries(),  # noqa: B008
        session: requests.Session | None = None,
    ) -> None:
        self._polling = polling
        self._transport = Transport(
            Access(base_url, api_key)
            if api_key is not None
            else Access(base_url, default=_HOMEPAGE, variable=None, open=True),
            retries=retries,
            proxy=proxy,
            timeout=timeout,
            session=session,
        )
        self._official: Predictions | None = None
        if api_key is not None:
            creations = Creations(self._transport, polling, _inside)
            self._official = Predictions(creations, Catalog(self._transport), self.model_aliases)

    @classmethod
    def get_model(cls, name: str = "") -> str:
        """Give the full name behind an alias, or the default model for "".

        Raises ModelNotFoundError, naming the nearest ones, for a model without a pinned version.
        """
        full = refs.resolve(name or cls.default_model, cls.model_aliases)
        if full not in cls.model_versions:
            known = [*cls.model_aliases, *cls.model_versions]
            raise refs.unknown(name, known, f"{name!r} is not one of the homepage's models; Replicate() runs any.")
        return full

    def chat(
        self,
        messages: prompts.Messages,
        model: str = "gemma-2b",
        *,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> Generator[str, None, None]:
        """Yield a text model's answer, as much as each look at it shows; `deadline`: the seconds that it may take.

        Arguments and token are checked at once, the request is sent at the first `next()`. Raises as
        `Prediction.stream` does, and ResponseError or ConnectionFailed where the homepage refuses or is gone.
        """
        name = self._one_of(self.text_models, model, "writes no text; use image()")
        return self._chatting(name, prompts.prompt(messages), Deadline(deadline), cancel_on_exit)

    def _chatting(self, name: str, prompt: str, limit: Deadline, cancel_on_exit: bool) -> Generator[str, None, None]:
        yield from self._create(name, prompt, limit).stream(deadline=limit, cancel_on_exit=cancel_on_exit)

    def image(
        self, prompt: str, model: str = "sd-3", *, deadline: float | None = None, cancel_on_exit: bool = True
    ) -> ImageOutput:
        """Block until an image model has made a picture of `prompt`, and give it; `deadline`: the seconds it may take.

        Raises as `Prediction.wait` does, and ResponseError or ConnectionFailed where the homepage refuses or is gone.
        """
        name = self._one_of(self.image_models, model, "makes no images; use chat()")
        if not isinstance(prompt, str):
            raise InvalidInputError(f"The prompt of an image is a string, not {type(prompt).__name__}.")
        limit = Deadline(deadline)
        prediction = self._create(name, prompt, limit).wait(deadline=limit, cancel_on_exit=cancel_on_exit)
        url = first_file(prediction.output)
        if url is None:
            error = PredictionFailed(f"Prediction {prediction.id} of {name} succeeded without a picture in its output.")
            error.prediction = prediction
            raise error
        return ImageOutput(url, prompt, self._transport.download, self._transport.fetch)

    @overload
    @classmethod
    def create_completion(
        cls, model: TextModel, messages: prompts.Messages, prompt: str | None = ..., proxy: str | None = ..., **kwargs: Any
    ) -> str: ...

    @overload
    @classmethod
    def create_completion(
        cls,
        model: ImageModel,
        messages: prompts.Messages,
        prompt: str | None = None,
        proxy: str | None = None,
        **kwargs: Any,
    ) -> ImageOutput: ...

    @overload
    @classmethod
    def create_completion(
        cls, model: str, messages: prompts.Messages, prompt: str | None = ..., proxy: str | None = ..., **kwargs: Any
    ) -> str | ImageOutput: ...

    @classmethod
    def create_completion(
        cls, model: str, messages: prompts.Messages, prompt: str | None = None, proxy: str | None = None, **kwargs: Any
    ) -> str | ImageOutput:
        """Block for one answer, from a client made for this call: the whole text, or the picture of an image model.

        A picture is made of `prompt`, or else of the last message's content. `kwargs` are further parameters of the class.
        Raises as `chat` and `image` do.
        """
        home = cls(proxy=proxy, **kwargs)
        name = cls.get_model(model)
        if name in cls.image_models:
            return home.image(prompts.last_content(messages) if prompt is None else prompt, name)
        return "".join(home.chat(messages if prompt is None else prompt, name))

    def _one_of(self, models: list[str], model: str, otherwise: str) -> str:
        name = self.get_model(model)
        if name not in models:
            raise InvalidInputError(f"{name} {otherwise}. Models here: {', '.join(models)}.")
        self._transport.check()
        return name

    def _create(self, name: str, prompt: str, limit: Deadline) -> Prediction:
        version = self.model_versions[name]
        if self._official is not None:
            made = self._official.create(f"{name}:{version}", {"prompt": prompt}, wait=60, deadline=limit)
            return _Polled(made.raw, self._transport, self._polling)
        body = {"model": name, "version": version, "input": {"prompt": prompt}}
        try:
            data = self._transport.request("POST", "/api/prediction", body, repeatable=False, deadline=limit)
            return _OnHomepage(data, self._transport, self._polling)
        except (ConnectionFailed, ResponseError) as error:
            _point_out(error)
            raise


_Run = TypeVar("_Run", bound=Prediction)


class _Polled(Prediction):
    """A prediction that is only ever looked at."""

    @property
    def _stream_url(self) -> None:
        return None


class _OnHomepage(_Polled):
    """A prediction of the homepage, which can be looked at and not canceled."""

    def _look(self, deadline: Deadline) -> None:
        try:
            self._update(self._transport.request("GET", "/api/poll", params={"id": self.id}, deadline=deadline))
        except ResponseError as error:
            _point_out(error)
            raise

    def cancel(self: _Run) -> _Run:
        raise InvalidInputError("The homepage has no way to cancel a prediction; it ends by itself.")

    def abandon(self) -> None:
        """Let it end by itself."""


def _inside(upload: inputs.Upload, progress: bool) -> str:
    return upload.data_uri()  # these models take no files


def _point_out(error: ReplicateError) -> None:
    """Name the way out in an error which says that the homepage's endpoint is closed to us or gone."""
    refused = isinstance(error, ResponseError) and error.status_code not in (422, 429)
    if refused or isinstance(error, ConnectionFailed):
        add(error, _WAY_OUT)
