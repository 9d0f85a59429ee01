"""Each exception says what happened and what to do, and carries what is needed to go on."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import replicate_sync
from replicate_sync import Replicate, exceptions
from replicate_sync.exceptions import (
    ConnectionFailed,
    InputRejectedError,
    Interruption,
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    NotFoundError,
    PredictionTimeout,
    ReplicateError,
    Response,
    ResponseError,
    UnexpectedDataError,
    UnknownModelError,
    WebhookError,
    excerpt,
)

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]


def example(kind: type[ReplicateError]) -> ReplicateError:
    """Return an error of a class, as the package would raise it."""
    if issubclass(kind, ResponseError):
        response = Response(418, {"A": "b"}, b'{"detail": "no"}')
        return kind("what happened", response, hint="Do this.", title="T", detail="no")
    if issubclass(kind, UnexpectedDataError):
        return kind("a prediction", "[1, 2]")
    return kind("what happened", hint="Do this.")


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (MissingAuthError, ValueError),
        (InvalidInputError, ValueError),
        (WebhookError, ValueError),
        (ConnectionFailed, ConnectionError),
        (ModelNotFoundError, LookupError),
        (PredictionTimeout, TimeoutError),
    ],
)
def test_who_knows_python_catches_the_builtin(
    kind: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("kind", "local"), [(InputRejectedError, InvalidInputError), (UnknownModelError, ModelNotFoundError)]
)  # fmt: skip
def test_what_the_api_refuses_is_caught_with_the_same_mistake_found_here(
    kind: type[ResponseError], local: type[ReplicateError]
) -> None:
    assert issubclass(kind, local)
    assert issubclass(kind, ResponseError)
    assert not issubclass(local, ResponseError)
    assert not hasattr(local("x"), "status_code")


def test_a_missing_model_is_a_missing_thing() -> None:
    assert issubclass(UnknownModelError, NotFoundError)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_is_public_and_documented(kind: type[ReplicateError]) -> None:
    assert getattr(replicate_sync, kind.__name__) is kind
    assert kind.__doc__


@pytest.mark.parametrize("kind", CLASSES)
def test_a_pickled_error_keeps_its_text_and_attributes(kind: type[ReplicateError]) -> None:
    error = example(kind)
    error.extra = {"kept": 1}  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert (copy.message, copy.hint) == (error.message, error.hint)
    assert vars(copy) == vars(error)


def test_the_text_is_the_message_and_the_hint() -> None:
    assert str(ReplicateError("It broke.", hint="Mend it.")) == "It broke. Mend it."
    assert str(ReplicateError("It broke.")) == "It broke."
    assert str(ReplicateError()) == ""
    error = ReplicateError("It broke.")
    error.hint = "Mend it."
    assert str(error) == "It broke. Mend it."
    assert error.message == "It broke."
    error.args = ()
    assert str(error) == "Mend it."


def test_unexpected_data_has_what_was_expected_and_how_it_begins() -> None:
    error = UnexpectedDataError("a prediction", "[1, 2]")
    assert error.expected == "a prediction"
    assert str(error) == "The data is not a prediction: [1, 2]"


def test_a_response_error_has_what_the_response_said() -> None:
    error = example(ResponseError)
    assert isinstance(error, ResponseError)
    assert (error.status_code, error.title, error.detail) == (418, "T", "no")
    assert (error.message, error.hint) == ("what happened", "Do this.")
    plain = ResponseError("what happened", error.response)
    assert (plain.hint, plain.title, plain.detail) == ("", None, None)
    assert error.response.text == '{"detail": "no"}'
    assert error.response.json() == {"detail": "no"}
    assert repr(error.response) == "<Response 418, 16 bytes>"
    assert Response(200, {}, b"\xff").text == "\ufffd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("  several\n\n lines\tin one ", "several lines in one"),
        (b"bytes \xff", "bytes \ufffd"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        (b"y" * 10_000_000, "y" * 199 + "…"),
    ],
)
def test_a_foreign_text_is_quoted_on_one_short_line(text: str | bytes, expected: str) -> None:
    assert excerpt(text) == expected


def test_an_interruption_is_what_an_interrupt_says() -> None:
    interrupt = KeyboardInterrupt()
    Interruption("It was canceled.").attach_to(interrupt)
    assert str(interrupt) == "It was canceled."
    attached = Interruption.of(interrupt)
    assert attached is not None
    assert attached.message == "It was canceled."
    assert attached.prediction is None
    prediction: Any = object()
    Interruption(prediction=prediction).attach_to(interrupt)
    assert str(interrupt) == ""
    again = Interruption.of(interrupt)
    assert again is not None
    assert again.prediction is prediction
    Interruption("It was canceled.").attach_to(interrupt)
    assert traceback.format_exception_only(interrupt) == ["KeyboardInterrupt: It was canceled.\n"]
    assert interrupt._render_traceback_() == ["Stopped. It was canceled."]  # type: ignore[attr-defined]


def test_only_an_interrupt_takes_an_interruption() -> None:
    for error in (SystemExit(3), ValueError("x"), GeneratorExit()):
        before = error.args
        Interruption("It was canceled.").attach_to(error)
        assert error.args == before
        assert Interruption.of(error) is None
    assert Interruption.of(KeyboardInterrupt("by hand")) is None
    assert Interruption.of(KeyboardInterrupt()) is None


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("/home/me/program.py", "line 2 of /home/me/program.py"),
        ("/tmp/ipykernel_7/1.py", "line 2 of the cell"),
        ("<ipython-input-1>", "line 2 of the cell"),
    ],
)
def test_a_notebook_shows_the_message_and_the_callers_line(file: str, place: str) -> None:
    code = compile("\nget_model('nothing')", file, "exec")
    with pytest.raises(ModelNotFoundError) as raised:
        exec(code, {"get_model": Replicate.get_model})
    [shown] = raised.value._render_traceback_()
    assert shown == f"ModelNotFoundError: {raised.value}\n({place})"


def raised_in(*files: str) -> ReplicateError:
    """Return an error that was raised in the last one of these files, each of which is one cell."""
    error = ReplicateError("It broke.", hint="Mend it.")

    def fail() -> None:
        raise error

    call: Callable[[], object] = fail
    for file in reversed(files):
        code = compile("\n\nnext_one()", file, "exec")
        call = partial(exec, code, {"next_one": call})
    with pytest.raises(ReplicateError):
        call()
    return error


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ([], f"of {__file__}"),
        (["/tmp/ipykernel_7/1.py"], f"of {__file__}"),
        ([f"{exceptions.__file__}"], f"of {__file__}"),
        (["/tmp/ipykernel_7/1.py", exceptions.__file__], "line 3 of the cell"),
        (["<stdin>", exceptions.__file__], "line 3 of the cell"),
        (["/home/me/a.py", exceptions.__file__, "/tmp/b.py"], "line 3 of /home/me/a.py"),
        (["/home/me/a.py", "/x/IPython/core.py", exceptions.__file__], "line 3 of /home/me/a.py"),
    ],
)
def test_the_line_that_is_shown_is_the_last_one_before_the_package(
    files: list[str], place: str
) -> None:
    [shown] = raised_in(*files)._render_traceback_()
    first, second = shown.split("\n")
    assert first == "ReplicateError: It broke. Mend it."
    assert second.endswith(f"{place})")
    assert second.startswith("(line ")


def test_a_notebook_does_not_show_its_own_lines() -> None:
    code = compile("\nget_model('nothing')", "/site-packages/IPython/core/shell.py", "exec")
    with pytest.raises(ModelNotFoundError) as raised:
        exec(code, {"get_model": Replicate.get_model})
    [shown] = raised.value._render_traceback_()
    assert "IPython" not in shown
    assert shown.endswith(f"of {__file__})")


def test_a_notebook_shows_an_error_that_was_never_raised() -> None:
    assert ReplicateError("It broke.")._render_traceback_() == ["ReplicateError: It broke."]
