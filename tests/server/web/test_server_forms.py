"""From a schema to the fields of a form, and from a form to an input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest

from replicate_sync.server import Between
from replicate_sync.server.schemas import input_schema
from replicate_sync.server.web.forms import Field, SentFile, form_fields, parse_form


def model(
    prompt: Annotated[str, "What to say"],
    steps: Annotated[int, Between(1, 50)] = 20,
    scale: Annotated[float, Between(0)] = 7.5,
    size: Literal[256, 512] = 512,
    style: Literal["calm", "merry"] | None = None,
    fast: bool = True,
    picture: Path | None = None,
    more: list[Path] = [],  # noqa: B006
    suffix: str = "!",
    seed: int | None = None,
    options: dict = {},  # type: ignore[type-arg]  # noqa: B006
    anything=None,  # type: ignore[no-untyped-def]
) -> str: ...


FIELDS = form_fields(input_schema(model))
BY_NAME = {field.name: field for field in FIELDS}
EMPTY = {field.name: "" for field in FIELDS if field.kind not in ("flag", "file", "files")}


def parse(
    form: dict[str, str], files: dict[str, list[SentFile]] | None = None
) -> tuple[dict[str, object], list[str]]:
    input, problems = parse_form(FIELDS, form, files or {}, lambda file: f"http://here/{file.name}")
    return input, [problem.field for problem in problems]


def test_every_kind_of_input_has_its_field() -> None:
    kinds = {field.name: field.kind for field in FIELDS}
    assert kinds == {
        "prompt": "long", "steps": "number", "scale": "number", "size": "choice",
        "style": "choice", "fast": "flag", "picture": "file", "more": "files", "suffix": "text",
        "seed": "number", "options": "json", "anything": "json",
    }  # fmt: skip
    assert [field.name for field in FIELDS if field.required] == ["prompt"]
    assert (BY_NAME["steps"].hint, BY_NAME["steps"].ranged) == ("1 to 50", True)
    assert (BY_NAME["scale"].hint, BY_NAME["scale"].ranged) == ("at least 0", False)
    assert (BY_NAME["steps"].step, BY_NAME["scale"].step) == ("1", "any")
    assert (BY_NAME["steps"].value, BY_NAME["options"].value) == ("20", "{}")
    assert BY_NAME["prompt"].description == "What to say"


def test_a_choice_shows_its_default_or_that_it_is_not_given() -> None:
    assert [tuple(choice) for choice in BY_NAME["size"].choices] == [("256", False), ("512", True)]
    assert BY_NAME["style"].choices[0] == ("", True)


def test_a_form_as_it_is_shown_is_the_defaults() -> None:
    shown = {field.name: field.value for field in FIELDS if field.kind not in ("flag", "choice")}
    input, problems = parse({**shown, "prompt": "x", "size": "512", "style": "", "fast": "true"})
    assert problems == []
    assert input == {
        "prompt": "x", "steps": 20, "scale": 7.5, "size": 512, "fast": True, "suffix": "!",
        "options": {},
    }  # fmt: skip


def test_empty_fields_are_left_out_unless_an_empty_text_means_something() -> None:
    assert parse(EMPTY) == ({"prompt": "", "fast": False, "suffix": ""}, [])


def test_values_have_their_types() -> None:
    form = {
        **EMPTY, "prompt": "a\r\nb", "steps": "3", "scale": "1", "size": "256", "style": "merry",
        "seed": "7", "options": '{"a": [1]}', "anything": "words", "picture": " http://x/y.png ",
        "more": "http://a http://b",
    }  # fmt: skip
    input, problems = parse(form)
    assert problems == []
    assert input == {
        "prompt": "a\nb", "steps": 3, "scale": 1.0, "size": 256, "style": "merry", "fast": False,
        "picture": "http://x/y.png", "more": ["http://a", "http://b"], "suffix": "", "seed": 7,
        "options": {"a": [1]}, "anything": "words",
    }  # fmt: skip


def test_files_become_urls() -> None:
    files = {
        "picture": [SentFile(b"x", "cat.png", "image/png")],
        "more": [SentFile(b"x", "1.png", ""), SentFile(b"x", "2.png", "")],
    }
    input, _ = parse({**EMPTY, "more": "http://c"}, files)
    assert input["picture"] == "http://here/cat.png"
    assert input["more"] == ["http://here/1.png", "http://here/2.png", "http://c"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("steps", "many"), ("steps", "1.5"), ("scale", "x"), ("options", "{"), ("seed", "9" * 5000)],
)
def test_what_is_no_value_is_a_problem_of_its_field(name: str, text: str) -> None:
    assert parse({**EMPTY, name: text})[1] == [f"input.{name}"]


def test_a_form_can_be_filled_in_as_a_prediction_was() -> None:
    fields = form_fields(input_schema(model), {"prompt": "again", "size": 256, "fast": False})
    values: dict[str, Field] = {field.name: field for field in fields}
    assert (values["prompt"].value, values["fast"].value) == ("again", "false")
    assert [choice.text for choice in values["size"].choices if choice.selected] == ["256"]


def test_a_secret_is_never_filled_in() -> None:
    schema = {"properties": {"key": {"type": "string", "format": "password", "default": "s"}}}
    (field,) = form_fields(schema, {"key": "hunter2"})
    assert (field.kind, field.value) == ("secret", "")
