"""A chat as a model's input: the model's schema decides in which form it is sent.

There are three forms. A model with an input `messages` gets the messages as they are. One with an
input such as `system_prompt` gets the system messages there, and the rest as a prompt. Any other
one gets everything as the prompt of gpt4free. Files go to the model's own inputs for them.

An example: a system message, a question and a picture, for a model that takes `prompt`,
`system_prompt` and one `image`, become

    {"system_prompt": "Be brief.", "prompt": "What is this?", "image": "https://…"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..exceptions import InvalidInputError
from ..refs import ModelRef
from .generation_parameters import system_input, to_model_inputs
from .input_schema import Input, Inputs
from .inputs import validate_input
from .json_schema import mapping_at, resolve_reference
from .messages import SYSTEM_ROLES, Messages, Turn, flat_prompt, parse_messages
from .schemas import ModelSchema

if TYPE_CHECKING:
    from .content_parts import MediaKind

_MESSAGES = "messages"
_PROMPT = "prompt"
# The inputs for each kind of file, the more specific ones first.
_MEDIA_INPUTS: dict[MediaKind, tuple[str, ...]] = {
    "image": (
        "image_input",
        "images",
        "input_images",
        "image_inputs",
        "image",
        "input_image",
        "image_url",
        "img",
        "media",
    ),
    "audio": ("audio_input", "audios", "audio", "input_audio", "audio_file", "media"),
    "video": ("video_input", "videos", "video", "input_video", "video_file", "media"),
    "file": (
        "file_input",
        "files",
        "documents",
        "file",
        "input_file",
        "document",
        "pdf",
        "media",
    ),
}


class Chat(NamedTuple):
    """The arguments of a chat, validated; what becomes of them is up to the model's schema."""

    turns: Sequence[Turn]
    #: What stands for each file of the turns, in order.
    files: Sequence[object]
    #: Whether it was given as one string, and not as messages.
    is_text: bool
    #: Generation parameters by the names that `chat` has for them.
    parameters: Mapping[str, object]
    #: Further inputs of the model, which win over all others.
    extra: Mapping[str, object]

    @property
    def needs_schema(self) -> bool:
        """Whether the form depends on the schema: a single text is a prompt for any model."""
        turn = self.turns[0]
        return len(self.turns) > 1 or bool(turn.media) or turn.role in SYSTEM_ROLES

    def with_instruction(self, instruction: str) -> Chat:
        """Return the chat with more text at the end of its last turn."""
        last = self.turns[-1]
        content = last.message.get("content")
        text = f"\n\n{instruction}"
        if isinstance(content, list | tuple):
            content = [*content, {"type": "text", "text": text}]
        else:
            content = f"{last.text}{text}"
        message = {**last.message, "content": content}
        changed = last._replace(text=f"{last.text}{text}", message=message)
        return self._replace(turns=[*self.turns[:-1], changed], is_text=False)

    def with_turn(self, role: str, text: str) -> Chat:
        """Return the chat with another turn at its end."""
        turn = Turn(role, text, (), {"role": role, "content": text})
        return self._replace(turns=[*self.turns, turn], is_text=False)


def parse_chat(
    messages: Messages, parameters: Mapping[str, object], extra: Mapping[str, object] | None
) -> Chat:
    """Return the arguments of a chat, validated.

    Args:
        messages: As for `parse_messages`.
        parameters: Generation parameters, those that are None too.
        extra: Further inputs of the model.

    Raises:
        InvalidInputError: One of them is wrong.
    """
    if isinstance(messages, str) and messages.strip():
        turns = [Turn("user", messages, (), {"role": "user", "content": messages})]
        return Chat(turns, (), True, parameters, {} if extra is None else validate_input(extra))
    turns = parse_messages(messages)
    media = [part for turn in turns for part in turn.media]
    named = {f"{part.kind} {number}": part.value for number, part in enumerate(media, 1)}
    files = list(validate_input(named).values())
    return Chat(turns, files, False, parameters, validate_input(extra))


def build_input(chat: Chat, schema: ModelSchema, model: ModelRef) -> dict[str, object]:
    """Return a chat as the input of a model, validated.

    Args:
        chat: The chat.
        schema: The model's schema; one that says nothing where that is not known.
        model: The model, for an error.

    Raises:
        InvalidInputError: The model cannot be sent a message, a file or a parameter, or it does not
            chat at all.
    """
    if schema.raw is None or not schema.inputs:
        if chat.files:
            raise _unplaced_error(chat, model)
        prompt = chat.turns[0].text if chat.is_text else flat_prompt(chat.turns)
        given = to_model_inputs(chat.parameters, None)
        if given:
            given = validate_input(given)
        return {_PROMPT: prompt, **given, **chat.extra}
    inputs = schema.inputs
    _validate_chat_model(chat, schema, model)
    media = _place_media(chat, schema, model)
    if _takes_messages(chat, inputs):
        text, parameters = _messages_input(chat, inputs[_MESSAGES])
    else:
        text, parameters = _prompt_input(chat, inputs)
    built = {**text, **to_model_inputs(parameters, inputs)}
    return {**validate_input(built), **media, **chat.extra}


def _takes_messages(chat: Chat, inputs: Inputs) -> bool:
    return _MESSAGES in inputs and not (chat.is_text and _PROMPT in inputs)


def _messages_input(chat: Chat, target: Input) -> tuple[dict[str, object], dict[str, object]]:
    """Return the input with the messages, and the parameters that are left."""
    messages = [_without_media(turn) for turn in chat.turns]
    parameters = dict(chat.parameters)
    # Beside messages, the model ignores its inputs for a prompt and a system prompt.
    system_prompt = parameters.pop("system_prompt", None)
    if system_prompt:
        messages.insert(0, {"role": "system", "content": system_prompt})
    if target.type == "string":
        return {_MESSAGES: json.dumps(messages, ensure_ascii=False)}, parameters
    return {_MESSAGES: messages}, parameters


def _without_media(turn: Turn) -> dict[str, object]:
    message = {"role": turn.role, **turn.message}
    if turn.media:
        message["content"] = turn.text
    return message


def _prompt_input(chat: Chat, inputs: Inputs) -> tuple[dict[str, object], dict[str, object]]:
    """Return the inputs with the text, and the parameters that are left."""
    parameters = dict(chat.parameters)
    turns = chat.turns
    others = [turn for turn in turns if turn.role not in SYSTEM_ROLES]
    if system_input(inputs) and others and len(others) < len(turns):
        texts = [turn.text for turn in turns if turn.role in SYSTEM_ROLES]
        given = parameters.get("system_prompt")
        if isinstance(given, str) and given:
            texts.insert(0, given)
        parameters["system_prompt"] = "\n\n".join(texts)
        turns = others
    return {_PROMPT: flat_prompt(turns)}, parameters


def _unplaced_error(chat: Chat, model: ModelRef) -> InvalidInputError:
    """Return the error for files of which it is not known where they belong."""
    kind = next(part.kind for turn in chat.turns for part in turn.media)
    return InvalidInputError(
        f"The API does not show what {model} takes, so it is not known where the {kind} in the "
        "messages belongs. Nothing was sent.",
        hint="Pass it in extra_data under the model's own name, such as {'image': …}.",
    )


def _validate_chat_model(chat: Chat, schema: ModelSchema, model: ModelRef) -> None:
    """Raise InvalidInputError for a model that takes no text, or returns none."""
    inputs = schema.inputs
    is_given = _PROMPT in chat.extra or _MESSAGES in chat.extra
    if _PROMPT not in inputs and _MESSAGES not in inputs and not is_given:
        raise InvalidInputError(
            f"{model} does not chat: it takes {_describe(inputs)}.",
            hint=f"Use run('{model}', {{…}}) with these.",
        )
    output = schema.output
    if output.is_file or (output.type == "array" and output.items.is_file):
        raise InvalidInputError(
            f"{model} does not chat: it returns {schema.output_description}.",
            hint=f"Use run('{model}', {{…}}); it takes {_describe(inputs)}.",
        )


def _describe(inputs: Inputs) -> str:
    """Return what a model takes in its own words: names, types and descriptions."""
    words = []
    required = [one for one in inputs.values() if one.required] or list(inputs.values())
    for one in required:
        text = " ".join(one.description.split())
        words.append(f"{one.name} ({text or one.type or 'anything'})")
    return ", ".join(words)


def _place_media(chat: Chat, schema: ModelSchema, model: ModelRef) -> dict[str, object]:
    """Return the files of a chat under the model's own names."""
    inputs = schema.inputs
    kinds = [part.kind for turn in chat.turns for part in turn.media]
    placed: dict[str, list[object]] = {}
    for kind, file in zip(kinds, chat.files, strict=True):
        name = _media_input(kind, kinds.count(kind), inputs)
        if name is None:
            raise InvalidInputError(
                f"{model} takes no {kind}: it takes {', '.join(inputs)}. Nothing was sent."
            )
        if name in chat.extra:
            raise InvalidInputError(
                f"The {kind} in the messages and extra_data are both for the input {name!r}."
            )
        placed.setdefault(name, []).append(file)
    media: dict[str, object] = {}
    for name, files in placed.items():
        limit = _capacity(inputs[name], schema)
        if limit is not None and len(files) > limit:
            raise InvalidInputError(
                f"{model} takes {limit} file{'' if limit == 1 else 's'} as {name!r}, and there "
                f"are {len(files)} in the messages. Nothing was sent."
            )
        if _is_list(inputs[name]):
            media[name] = files
        else:
            media[name] = files[0]
    return media


def _media_input(kind: MediaKind, count: int, inputs: Inputs) -> str | None:
    """Return the input for files of a kind: a list where there are several, and one exists."""
    names = [name for name in _MEDIA_INPUTS[kind] if name in inputs]
    if count > 1:
        names.sort(key=lambda name: not _is_list(inputs[name]))
    return next(iter(names), None)


def _is_list(one: Input) -> bool:
    return one.type == "array"


def _capacity(one: Input, schema: ModelSchema) -> int | None:
    """Return how many files an input takes; None for any number."""
    if not _is_list(one):
        return 1
    schemas = schema.raw or {}
    properties = mapping_at(resolve_reference(schemas.get("Input"), schemas), "properties")
    limit = resolve_reference(properties.get(one.name), schemas).get("maxItems")
    return limit if isinstance(limit, int) else None
