"""The methods of a client for chats: `chat` and `conversation`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

from .. import refs
from ..base_client import describe_generator
from ..deadline import NO_DEADLINE, Deadline
from ..prediction.create_options import create_headers, webhook_fields
from ..resources.predictions import Predictions

if TYPE_CHECKING:
    from ..http.transport import Transport
    from ..payloads.messages import Messages
    from .conversation import Conversation

DEFAULT_MODEL = "meta/meta-llama-3-70b-instruct"


class ChatMethods:
    """What `Replicate` has for chats.

    Examples:
        >>> "".join(client.chat("Tell me about rivers.", max_tokens=5))
        '...'
    """

    default_model: str
    text_models: ClassVar[list[str]]
    image_models: ClassVar[list[str]]
    model_aliases: ClassVar[dict[str, str]]
    get_model: Callable[[str], str]
    #: Creates the predictions.
    predictions: Predictions
    _transport: Transport

    @overload
    def chat(
        self,
        messages: Messages,
        model: str = ...,
        *,
        system_prompt: str | None = ...,
        max_tokens: int | None = ...,
        temperature: float | None = ...,
        top_p: float | None = ...,
        top_k: int | None = ...,
        stop: str | Sequence[str] | None = ...,
        seed: int | None = ...,
        reasoning_effort: str | None = ...,
        verbosity: str | None = ...,
        extra_data: Mapping[str, Any] | None = ...,
        schema: None = ...,
        webhook: str | None = ...,
        webhook_events_filter: str | Iterable[str] | None = ...,
        cancel_after: float | str | None = ...,
        validate: bool | None = ...,
        deadline: float | None = ...,
        cancel_on_exit: bool = ...,
    ) -> Generator[str, None, None]: ...

    @overload
    def chat(
        self,
        messages: Messages,
        model: str = ...,
        *,
        system_prompt: str | None = ...,
        max_tokens: int | None = ...,
        temperature: float | None = ...,
        top_p: float | None = ...,
        top_k: int | None = ...,
        stop: str | Sequence[str] | None = ...,
        seed: int | None = ...,
        reasoning_effort: str | None = ...,
        verbosity: str | None = ...,
        extra_data: Mapping[str, Any] | None = ...,
        schema: object,
        webhook: str | None = ...,
        webhook_events_filter: str | Iterable[str] | None = ...,
        cancel_after: float | str | None = ...,
        validate: bool | None = ...,
        deadline: float | None = ...,
        cancel_on_exit: bool = ...,
    ) -> Any: ...

    def chat(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        *,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        verbosity: str | None = None,
        extra_data: Mapping[str, Any] | None = None,
        schema: object = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | None = None,
        cancel_on_exit: bool = True,
    ) -> Any:
        """Yield a language model's reply as it is written; with a schema, return its answer.

        The arguments and the token are validated at once; the request is sent at the first
        `next()`, or with a schema at once. See https://replicate.com/docs/topics/predictions/streaming

        Args:
            messages: A string, or dicts with `role` and `content`. A content is a string, or a list
                of parts: texts, pictures, sound and files, in the forms of OpenAI and Anthropic, or
                the files themselves. A model with an input for messages gets them as they are; else
                the system messages go to its system prompt, and the others become one prompt.
            model: As in `run`.
            system_prompt: The instructions that precede the conversation. This and the following
                parameters are sent under the model's own names for them.
            max_tokens: How many tokens the reply may have.
            temperature: How random the reply is; 0 is the least.
            top_p: The probability mass that words are chosen from, 0 to 1.
            top_k: How many of the likeliest words are chosen from.
            stop: A text, or several, before which the reply ends.
            seed: The same seed makes a model write the same reply again, as far as it can.
            reasoning_effort: How much the model thinks first, such as "low".
            verbosity: How much it writes, such as "low".
            extra_data: Further inputs of the model, sent as they are; they override the others.
            schema: The form of an answer: a JSON schema as a dict, a dataclass, a TypedDict, an
                Enum, a model of pydantic, a Struct of msgspec, or `list[…]` and so on of these. The
                call blocks then, and returns the answer as a value. A model that takes a schema
                guarantees it. Any other model gets it in its prompt, and is asked once more if its
                answer does not conform.
            webhook: As in `run`; likewise `webhook_events_filter`, `cancel_after` and `validate`.
            webhook_events_filter: See there.
            cancel_after: See there.
            validate: See there.
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Returns:
            A generator of pieces of the text; with a schema, the answer: a value of the type that
            was given, or a JSON value.

        Raises:
            InvalidAnswerError: The answer does not conform to the schema; `.text` has it.
            InvalidInputError: The model has no input for a parameter, a message or a file in it, or
                does not chat. Nothing was created.
            ReplicateError: As `stream` does.

        Examples:
            >>> pieces = []
            >>> for text in client.chat("Tell me about rivers.", max_tokens=5):
            ...     pieces.append(text)  # or print(text, end="", flush=True)
            >>> len(pieces)
            5
            >>> client.chat("How many legs has a cat?", "openai/gpt-5-structured", schema=int)
            1
        """
        # Late, as a program that does not chat needs none of it.
        from ..payloads.chat_input import parse_chat
        from .call import ChatCall, ChatModel

        parameters = {
            "system_prompt": system_prompt,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "stop": stop if stop is None or isinstance(stop, str) else _listed(stop),
            "seed": seed,
            "reasoning_effort": reasoning_effort,
            "verbosity": verbosity,
        }
        ref = refs.resolve(model or self.default_model, self.model_aliases)
        is_known = ref.model in self.text_models and not ref.version
        headers: dict[str, str] = {}
        if cancel_after is not None:
            headers = create_headers(self.predictions.context, None, cancel_after, NO_DEADLINE)
        chat_model = ChatModel(
            ref,
            self.predictions,
            {**self._stream_fields(), **webhook_fields(webhook, webhook_events_filter)},
            takes_prompt=is_known,
            headers=headers,
            validate=validate,
        )
        if schema is not None:
            # Late, as few chats have a schema.
            from ..payloads.answer_types import answer_form
            from .structured import answer

            form = answer_form(schema)
            chat = parse_chat(messages, parameters, extra_data)
            return answer(chat_model, chat, form, deadline, cancel_on_exit=cancel_on_exit)
        call = ChatCall(chat_model, parse_chat(messages, parameters, extra_data))
        self._transport.validate_config()
        if deadline is not None:
            Deadline(deadline)  # raises where it is none
        return describe_generator(
            call.stream(deadline, cancel_on_exit=cancel_on_exit),
            f"the reply of {model or self.default_model}: loop over it, or show() it",
        )

    def conversation(
        self, model: str = "", *, system: str | None = None, **parameters: Any
    ) -> Conversation:
        """Return a conversation with a model, which keeps its turns; nothing is sent.

        Args:
            model: As in `chat`; "" for the default model.
            system: The instructions that precede the conversation.
            **parameters: The other arguments of `chat`, such as `max_tokens`, for every turn.

        Raises:
            ModelNotFoundError: The name is not that of a model.

        Examples:
            >>> conversation = client.conversation("openai/gpt-5-mini", system="Be brief.")
            >>> "".join(conversation.send("What is a river?"))
            '...'
        """
        from .conversation import Conversation

        name = model or self.default_model
        return Conversation(self.chat, self.get_model, name, system, parameters)

    def _stream_fields(self) -> dict[str, object]:
        """Return further fields of the body of a create."""
        return {}


def _listed(stop: Sequence[str]) -> object:
    """Return several stop sequences as a list; what is not iterable is refused later."""
    try:
        return list(stop)
    except TypeError:
        return stop
