"""A conversation: turns that are kept, each sent with everything before it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from ..exceptions import InvalidInputError
from ..payloads.content_parts import MediaPart, is_file, media_part, parse_part
from ..payloads.file_inputs import to_upload
from ..payloads.file_output import FileOutput
from ..payloads.messages import SYSTEM_ROLES, parse_messages
from ..payloads.saving import expanded, write_whole
from ..payloads.upload import UploadedFile

Message = dict[str, Any]
_Self = TypeVar("_Self", bound="Conversation")


class Conversation:
    """Turns of a person and a model. Make one with `client.conversation(…)`.

        conversation = client.conversation("openai/gpt-5-mini", system="Be brief.")
        for text in conversation.send("What is this?", images=[Path("cat.png")]):
            print(text, end="")

    Args:
        chat: Yields a reply: `Replicate.chat`.
        resolve: Raises ModelNotFoundError for a name that is not that of a model.
        model: The model.
        system: The instructions that precede the conversation.
        parameters: The other arguments of `chat`, for every turn.

    Attributes:
        model: The model.
        messages: The messages so far, with the system message, if any.
        parameters: The other arguments of `chat`.

    Examples:
        >>> conversation = client.conversation("openai/gpt-5-mini", system="Be brief.")
        >>> reply = "".join(conversation.send("What is a river?"))
        >>> [message["role"] for message in conversation.messages]
        ['system', 'user', 'assistant']
    """

    def __init__(
        self,
        chat: Callable[..., Generator[str, None, None]],
        resolve: Callable[[str], object],
        model: str,
        system: str | None,
        parameters: Mapping[str, Any],
    ) -> None:
        self._chat = chat
        self._resolve = resolve
        resolve(model)
        self.model: str = model
        self.parameters: dict[str, Any] = dict(parameters)
        self.messages: list[Message] = []
        if system:
            self.messages.append({"role": "system", "content": system})

    def send(self, text: str, *, images: object = ()) -> Generator[str, None, None]:
        """Yield the reply to a message.

        The message and the reply are kept when the reply has ended, also one that was stopped or
        broke: the next message may be about it. A message without any text in reply is not kept.

        Args:
            text: The message.
            images: A picture, or several: URLs, paths, bytes, open binary files or pictures of
                Pillow.

        Yields:
            Pieces of the text.

        Raises:
            InvalidInputError: The message cannot be sent.
            ReplicateError: As `Replicate.chat` does.

        Examples:
            >>> conversation = client.conversation("openai/gpt-5-mini")
            >>> question = conversation.send("What is this?", images=[Path(picture_path)])
            >>> len("".join(question)) > 0
            True
        """
        message: Message = {"role": "user", "content": text}
        pictures = [_image_part(image) for image in _list_images(images)]
        if pictures:
            message["content"] = [{"type": "text", "text": text}, *pictures]
        pieces = self._chat([*self.messages, message], self.model, **self.parameters)
        return self._exchange(message, pieces)

    def _exchange(
        self, message: Message, pieces: Generator[str, None, None]
    ) -> Generator[str, None, None]:
        reply: list[str] = []
        try:
            with closing(pieces):
                for piece in pieces:
                    reply.append(piece)
                    yield piece
        finally:
            written = "".join(reply)
            if written.strip():  # an empty message could not be sent with the next one
                self.messages += [message, {"role": "assistant", "content": written}]

    def change_model(self, model: str) -> None:
        """Go on with another model.

        Args:
            model: As in `Replicate.chat`.

        Raises:
            ModelNotFoundError: The name is not that of a model; the model stays.

        Examples:
            >>> conversation = client.conversation("openai/gpt-5-mini")
            >>> conversation.change_model("meta/meta-llama-3-70b-instruct")
            >>> conversation.model
            'meta/meta-llama-3-70b-instruct'
        """
        self._resolve(model)
        self.model = model

    def undo(self) -> list[Message]:
        """Remove the last message and its reply, and return them; [] where there are none.

        Returns:
            The removed messages, in their order.

        Examples:
            >>> conversation = client.conversation("openai/gpt-5-mini")
            >>> reply = "".join(conversation.send("What is a river?"))
            >>> removed = conversation.undo()
            >>> conversation.messages
            []
        """
        for position in range(len(self.messages) - 1, -1, -1):
            if self.messages[position]["role"] == "user":
                removed = self.messages[position:]
                del self.messages[position:]
                return removed
        return []

    def to_json(self) -> str:
        """Return the model, the parameters and the messages as JSON, with the files in them.

        Raises:
            InvalidInputError: A file in them cannot be read, or a parameter is not JSON.

        Examples:
            >>> client.conversation("openai/gpt-5-mini", system="Be brief.").to_json()
            '{...}...'
        """
        document = {
            "model": self.model,
            "parameters": self.parameters,
            "messages": [_with_inline_files(message) for message in self.messages],
        }
        try:
            return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"The conversation is not JSON: {error}.") from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the conversation to a file, which is replaced as a whole, and return its path.

        Args:
            path: The file; "~" is the home folder.

        Returns:
            The path of the file, with "~" expanded.

        Raises:
            InvalidInputError: The file cannot be written.

        Examples:
            >>> client.conversation("openai/gpt-5-mini", system="Be brief.").save("talk.json").name
            'talk.json'
        """
        target = Path(expanded(path))
        content = self.to_json()
        try:
            write_whole([content.encode()], target, overwrite=True)
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"The conversation cannot be saved: {error}") from error
        return target

    def load(self: _Self, path: str | os.PathLike[str]) -> _Self:
        """Take over the conversation in a file that `save` wrote, and return this object.

        Args:
            path: The file; "~" is the home folder.

        Returns:
            This conversation, with the model, the options and the messages of the file.

        Raises:
            InvalidInputError: The file cannot be read, or is no conversation; nothing has changed.

        Examples:
            >>> old = client.conversation("openai/gpt-5-mini", system="Be brief.")
            >>> new = client.conversation("openai/gpt-5-mini").load(old.save("talk.json"))
            >>> new.messages
            [{'role': 'system', 'content': 'Be brief.'}]
        """
        try:
            document = json.loads(Path(expanded(path)).read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"The conversation cannot be loaded: {error}") from error
        model, parameters, messages = _parse_document(document)
        self.model = model
        self.parameters = parameters
        self.messages = messages
        return self

    def __repr__(self) -> str:
        turns = sum(message["role"] not in SYSTEM_ROLES for message in self.messages)
        return f"<Conversation with {self.model}: {turns} messages>"


def _list_images(images: object) -> Iterable[object]:
    if isinstance(images, str) or is_file(images):
        return [images]
    if not isinstance(images, Iterable):
        raise InvalidInputError(f"images= must be pictures, not {type(images).__name__}.")
    return list(images)


def _image_part(image: object) -> Message:
    """Return a picture as a part of a message that can be sent more than once."""
    if callable(getattr(image, "read", None)) and not isinstance(image, FileOutput):
        image = _data_uri(image)  # an open file may be read only once
    if isinstance(image, str):
        media_part(image, "image")
        return {"type": "image_url", "image_url": {"url": image}}
    return {"type": "image", "image": image}


def _with_inline_files(message: Message) -> Message:
    """Return a message with each file in it as a data URI."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = []
    for part in content:
        parsed = parse_part(part)
        if isinstance(parsed, MediaPart) and not isinstance(parsed.value, str):
            uri = _data_uri(parsed.value)
            part = {"type": parsed.kind, parsed.kind: uri}
        parts.append(part)
    return {**message, "content": parts}


def _data_uri(file: object) -> str:
    if isinstance(file, UploadedFile):
        return str(file.url)
    if isinstance(file, FileOutput) and not file.outlives_url:
        return file.url
    upload = to_upload(file, "image")
    if upload is None:
        raise InvalidInputError(f"{type(file).__name__} is not a file.")
    return upload.data_uri()


def _parse_document(document: object) -> tuple[str, dict[str, Any], list[Message]]:
    """Return the model, parameters and messages of a saved conversation."""
    if not isinstance(document, dict):
        raise InvalidInputError("The file has no conversation in it.")
    model = document.get("model")
    parameters = document.get("parameters", {})
    messages = document.get("messages")
    is_right = isinstance(model, str) and isinstance(parameters, dict)
    if not is_right or not isinstance(messages, list):
        raise InvalidInputError("The file has no conversation in it.")
    if messages:
        parse_messages(messages)
    return str(model), parameters, messages
