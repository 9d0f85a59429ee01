"""One call of a chat model: prepared, started, and its text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from typing import NamedTuple

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import ConnectionFailed, InputRejectedError, InvalidInputError, StreamError
from ..payloads.chat_input import Chat, build_input
from ..payloads.completion_text import CompletionText
from ..payloads.schemas import ModelSchema
from ..prediction.create_options import CreateOptions, PredictionRequest
from ..prediction.creation import LEAVING, Creation
from ..prediction.outcomes import stream_error
from ..prediction.output_text import text_of_output
from ..prediction.prediction import Prediction
from ..refs import ModelRef
from ..resources.predictions import Predictions

_MIN_TIMEOUT = 0.001  # seconds
_SCHEMA_TIMEOUT = 3.0  # seconds for a schema that is good to have, and not necessary


class ChatModel(NamedTuple):
    """A model to chat with."""

    ref: ModelRef
    #: Creates the predictions.
    predictions: Predictions
    #: Further fields of the body of a create.
    fields: Mapping[str, object] = {}
    #: Whether it is known to take a prompt, so that no schema is needed to send it one.
    takes_prompt: bool = False
    #: Headers of a create besides the client's.
    headers: Mapping[str, str] = {}
    #: Whether to validate the input against the model's schema, fetched for it.
    validate: bool | None = None

    def schema(self, deadline: Deadline) -> ModelSchema:
        """Return its schema, fetched where it is not known yet; one that says nothing if it cannot.

        Args:
            deadline: By when it must be there.
        """
        schemas = self.predictions.context.schemas
        return schemas.get(self.ref, fetch=True, deadline=deadline)


class ChatCall:
    """A chat that has been validated; nothing of it has been sent.

    Where the model's schema is known already, it has been validated against that too.

    Args:
        model: The model.
        chat: The arguments.

    Raises:
        InvalidInputError: The model cannot be sent this.
    """

    def __init__(self, model: ChatModel, chat: Chat) -> None:
        self._model = model
        self._chat = chat
        self._schema = model.predictions.context.schemas.get(model.ref, fetch=False)
        self._built: dict[str, object] | None = None
        if chat.is_text or self._schema.inputs or not chat.needs_schema:
            self._built = build_input(self._chat, self._schema, model.ref)
        #: The prediction, once it has been created.
        self.prediction: Prediction | None = None
        self._creation: Creation[Prediction] | None = None
        #: Called with the prediction as soon as it has been created.
        self.on_start: Callable[[Prediction], None] | None = None
        #: What the model says besides its text.
        self.completion: CompletionText = CompletionText()

    def stream(
        self, deadline: float | Deadline | None, *, cancel_on_exit: bool = True
    ) -> Generator[str, None, None]:
        """Create the prediction at the first `next()`, and yield its text; see `Replicate.chat`."""
        limit = NO_DEADLINE
        if deadline is not None:
            limit = Deadline.of(deadline)
        completion = self.completion
        try:
            prediction = self.start(limit, cancel_on_exit=cancel_on_exit)
            if self._schema.output.type == "object":
                yield self._text_of_object(prediction, limit, cancel_on_exit)
                return
            events = prediction.stream_events(deadline=limit, cancel_on_exit=cancel_on_exit)
            with closing(events):
                for event in events:
                    piece = event.data
                    if completion.has_objects is not False:
                        piece = completion.add(piece)
                    if piece:
                        yield piece
            if completion.has_objects is not False:
                yield from self._rest(prediction)
        except StreamError as error:
            error.text = completion.text or error.text
            raise
        except LEAVING as leaving:
            self._leave(leaving, cancel_on_exit)
            raise

    def _rest(self, prediction: Prediction) -> Iterator[str]:
        """Yield the text that was held back, as it might have been a completion object."""
        rest = self.completion.end()
        if rest:
            yield rest
        if self.completion.is_cut:
            reason = "ended in the middle of a completion object; .prediction.output has all of it"
            raise stream_error(prediction, self.completion.text, reason)

    def _leave(self, leaving: BaseException, cancel: bool) -> None:
        if self._creation is not None:
            self._model.predictions.leave(self._creation, leaving, cancel=cancel)

    def start(self, deadline: Deadline, *, cancel_on_exit: bool = True) -> Prediction:
        """Create the prediction, and return it.

        Args:
            deadline: The deadline of the call.
            cancel_on_exit: Whether an interruption cancels what was created.

        Raises:
            InvalidInputError: The model cannot be sent this; nothing was created.
            ReplicateError: As `predictions.create` does.
        """
        options = CreateOptions(self._model.headers, deadline, cancel_on_exit)
        if self._built is None or self._model.validate:
            self._use(self._model.schema(deadline))
        elif not (self._model.takes_prompt or self._schema.inputs):
            # A model that does not chat is found before anything is paid.
            seconds = min(_SCHEMA_TIMEOUT, max(_MIN_TIMEOUT, deadline.remaining))
            self._use(self._model.schema(Deadline(seconds)))
        if deadline.seconds is not None and deadline.expired:
            raise ConnectionFailed(
                f"The schema of {self._model.ref} did not arrive before the deadline of "
                f"{deadline.seconds:g} s. Nothing was created."
            )
        try:
            self.prediction = self._create(options)
        except InputRejectedError as error:
            refused = self._built
            if not _is_about_names(error):
                raise
            self._use(self._model.schema(deadline), error)
            if self._built == refused:
                raise
            self.prediction = self._create(options)
        if self.on_start is not None:
            self.on_start(self.prediction)
        return self.prediction

    def _text_of_object(
        self, prediction: Prediction, deadline: Deadline, cancel_on_exit: bool
    ) -> str:
        """Return the text of a model that returns an object, which is there only at the end."""
        prediction.wait(deadline=deadline, cancel_on_exit=cancel_on_exit)
        output = prediction.output
        if isinstance(output, dict) and isinstance(output.get("text"), str):
            return str(output["text"])
        written = text_of_output(output)
        return self.completion.add(written) + self.completion.end()

    def _use(self, schema: ModelSchema, cause: Exception | None = None) -> None:
        """Build the input as a schema says, if that is not the one of before."""
        if self._built is not None and schema is self._schema:
            return
        self._schema = schema
        try:
            self._built = build_input(self._chat, schema, self._model.ref)
        except InvalidInputError as error:
            raise error from cause

    def _create(self, options: CreateOptions) -> Prediction:
        assert self._built is not None
        request = PredictionRequest(self._model.ref, self._built, self._model.fields)
        predictions = self._model.predictions
        # What is wrong with the value of an input of the caller's own is left to the API.
        self._creation = predictions.plan(request, options, validate=bool(self._model.validate))
        return predictions.send(self._creation, options)


def _is_about_names(error: InputRejectedError) -> bool:
    """Return whether the API refused an input for its name."""
    return "dditional property" in str(error.detail) or any(
        "additional" in str(field.get("type")) for field in error.fields
    )
