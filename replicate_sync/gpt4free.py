"""What gpt4free needs of a provider: both clients run in its own client, as `provider=` there.

gpt4free calls `create_completion` of a class, and passes on whatever its caller has given. Part of
that is for gpt4free itself; the rest is sorted here into what a chat takes. Its own class for
pictures is used only where it has been imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from .exceptions import TOKEN_PAGE, InvalidInputError

if TYPE_CHECKING:
    from .client import Replicate
    from .payloads.messages import Messages
    from .resources.models import Models

_RESPONSES = "g4f.providers.response"
# Arguments that are for gpt4free itself, or for providers of another kind.
_IGNORED = frozenset(
    {
        "action",
        "cache",
        "conversation",
        "download_media",
        "history_disabled",
        "ignore_stream",
        "ignored",
        "max_retries",
        "parallel_tool_calls",
        "provider",
        "return_conversation",
        "stream_timeout",
        "tool_choice",
        "user",
        "web_search",
    }
)
# Inputs of a model that gpt4free's callers give as arguments, and the models' own name.
_INPUTS = {
    "aspect_ratio": "aspect_ratio",
    "frequency_penalty": "frequency_penalty",
    "guidance_scale": "guidance_scale",
    "height": "height",
    "n": "num_outputs",
    "negative_prompt": "negative_prompt",
    "num_inference_steps": "num_inference_steps",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "width": "width",
}


class Gpt4freeProvider:
    """The attributes and methods that gpt4free has on the class of a provider.

    Examples:
        >>> Replicate.get_models()
        ['meta/meta-llama-3-70b-instruct', 'black-forest-labs/flux-schnell']
    """

    url: ClassVar[str] = "https://replicate.com"
    login_url: ClassVar[str] = TOKEN_PAGE
    working: ClassVar[bool] = True
    supports_stream: ClassVar[bool] = True
    label: ClassVar[str | None] = None
    #: gpt4free counts here how often the provider was of use.
    live: ClassVar[int] = 0
    #: gpt4free's time for a first piece does not suit a cold boot, which takes minutes.
    use_stream_timeout: ClassVar[bool] = False
    supports_message_history: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True
    text_models: ClassVar[list[str]]
    image_models: ClassVar[list[str]]

    @classmethod
    def get_dict(cls) -> dict[str, str | None]:
        """Return the provider's name, URL and label.

        Examples:
            >>> Replicate.get_dict()["name"]
            'Replicate'
        """
        return {"name": cls.__name__, "url": cls.url, "label": cls.label}

    @classmethod
    def get_parent(cls) -> str:
        """Return the name under which gpt4free keeps the provider's key.

        Examples:
            >>> Replicate.get_parent()
            'Replicate'
        """
        return cls.__name__

    @classmethod
    def get_models(cls, **options: object) -> list[str]:
        """Return the names of the known models.

        Args:
            **options: What gpt4free passes on, such as `api_key`; they change nothing.

        Examples:
            >>> Replicate.get_models()
            ['meta/meta-llama-3-70b-instruct', 'black-forest-labs/flux-schnell']
        """
        return [*cls.text_models, *cls.image_models]


class ModelsAttribute:
    """The resource `models` on a client; on its class the known names, as gpt4free has it.

    Examples:
        >>> client.models.get("replicate/hello-world").name
        'hello-world'
    """

    def __init__(self, names: list[str]) -> None:
        self._names = names

    @overload
    def __get__(self, client: None, owner: type) -> list[str]: ...

    @overload
    def __get__(self, client: Replicate, owner: type) -> Models: ...

    def __get__(self, client: Replicate | None, owner: type) -> list[str] | Models:
        if client is None:
            return self._names
        return client._models


class Gpt4freeArguments:
    """The arguments of `create_completion` that gpt4free's callers give.

    Args:
        media: Files to send with the last message, each with its name or None.
        extra: Further inputs of the model.
        schema: The JSON schema of the reply, or None.
        others: What is left: the parameters of the class.
    """

    def __init__(
        self,
        media: list[object],
        extra: dict[str, object],
        schema: Mapping[str, Any] | None,
        others: dict[str, Any],
    ) -> None:
        self.media = media
        self.extra = extra
        self.schema = schema
        self.others = others


def sort_arguments(arguments: Mapping[str, Any]) -> Gpt4freeArguments:
    """Return the arguments of `create_completion`, by what they are for.

    Args:
        arguments: The arguments by name, as far as `create_completion` does not know them.

    Raises:
        InvalidInputError: One of them asks for what models here cannot do.
    """
    others = {name: value for name, value in arguments.items() if name not in _IGNORED}
    if others.pop("tools", None):
        raise InvalidInputError("Models here call no tools: leave out tools=.")
    media = list(others.pop("media", None) or others.pop("images", None) or ())
    others.pop("images", None)
    base_url = others.pop("api_base", None)
    if base_url is not None:
        others.setdefault("base_url", base_url)
    extra: dict[str, object] = {}
    for name, own_name in _INPUTS.items():
        value = others.pop(name, None)
        if value is not None:
            extra[own_name] = value
    for name in ("extra_data", "extra_body"):  # the latter is the newer name
        extra.update(others.pop(name, None) or {})
    return Gpt4freeArguments(media, extra, _schema(others.pop("response_format", None)), others)


def with_media(messages: Messages, media: Iterable[object]) -> Messages:
    """Return messages of which the last one has files with it.

    Args:
        messages: The messages.
        media: Files, or pairs of a file and its name.

    Raises:
        InvalidInputError: One of them is no file.
    """
    from .payloads.content_parts import media_part  # late, as only gpt4free's callers need it

    parts = []
    for item in media:
        file = item[0] if isinstance(item, tuple | list) else item
        kind = media_part(file).kind
        parts.append({"type": kind, kind: file})
    if not parts:
        return messages
    if isinstance(messages, str):
        return [{"role": "user", "content": [messages, *parts]}]
    turns = [messages] if isinstance(messages, Mapping) else list(messages)
    if not turns:
        return turns
    content = turns[-1].get("content")
    texts = list(content) if isinstance(content, list | tuple) else [content or ""]
    return [*turns[:-1], {**turns[-1], "content": [*texts, *parts]}]


def pictures(output: object, prompt: str) -> Iterator[object]:
    """Yield the pictures in an output: in gpt4free as one of its own, else each as it is.

    Args:
        output: What a model returned.
        prompt: What the pictures show.
    """
    from .payloads.file_output import FileOutput  # late, as only gpt4free's callers need it

    files = output if isinstance(output, list) else [output]
    found = [file for file in files if isinstance(file, FileOutput)]
    responses = sys.modules.get(_RESPONSES)
    if responses is not None and found:
        yield responses.ImageResponse([file.url for file in found], prompt)
    else:
        yield from found


def _schema(response_format: object) -> Mapping[str, Any] | None:
    # gpt4free finds a JSON object in the text by itself.
    if not isinstance(response_format, Mapping) or response_format.get("type") != "json_schema":
        return None
    wrapper = response_format.get("json_schema")
    if isinstance(wrapper, Mapping) and isinstance(wrapper.get("schema"), Mapping):
        return cast(Mapping[str, Any], wrapper["schema"])
    raise InvalidInputError("A response_format of the type 'json_schema' needs a schema.")
