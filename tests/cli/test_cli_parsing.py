"""How inputs are parsed: by what the model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replicate_sync import InvalidInputError
from replicate_sync.cli.parsing import displayable, parse_json, parse_object, parse_pairs
from replicate_sync.payloads.input_schema import Inputs

KNOWN = Inputs.parse(
    {
        "Input": {
            "properties": {
                "prompt": {"type": "string"},
                "n": {"type": "integer"},
                "scale": {"type": "number"},
                "fast": {"type": "boolean"},
                "options": {"type": "object"},
                "words": {"type": "array"},
                "image": {"type": "string", "format": "uri"},
            }
        }
    }
)
UNKNOWN = Inputs.empty()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("prompt=hello", "hello"),
        ("prompt=a=b", "a=b"),
        ("prompt=", ""),
        ("prompt=5", "5"),
        ('prompt="5"', '"5"'),
        ("prompt=@@alice", "@alice"),
        ("prompt=@@@alice", "@@alice"),
        ("n=5", 5),
        ("scale=1e3", 1000.0),
        ("fast=true", True),
        ('options={"a": [1]}', {"a": [1]}),
        ("words=[1, 2]", [1, 2]),
        ("words=hello", ["hello"]),
        ("words=@@alice", ["@alice"]),
        ("image=https://a.b/c.png", "https://a.b/c.png"),
        ("image=data:,x", "data:,x"),
        ("other=5", 5),
        ("other=hello", "hello"),
        ('other="5"', '"5"'),
        ("other=[1", "[1"),
        ("other=" + "[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_is_parsed_as_the_model_takes_it(word: str, value: Any) -> None:
    [parsed] = parse_pairs([word], KNOWN).values()
    assert parsed == value
    assert type(parsed) is type(value)


def test_without_a_schema_a_value_is_json_or_else_text() -> None:
    pairs = ["n=5", "s=five", "l=[1]"]
    assert parse_pairs(pairs, UNKNOWN) == {"n": 5, "s": "five", "l": [1]}


def test_an_input_that_is_a_list_may_be_given_several_times(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    pairs = ["words=a", "words=2", f"words=@{tmp_path}/a.png"]
    assert parse_pairs(pairs, KNOWN) == {"words": ["a", 2, tmp_path / "a.png"]}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["hello"], "name=value"),
        (["=hello"], "name=value"),
        (["n=five"], "n takes a whole number, not 'five'"),
        (["scale=much"], "scale takes a number"),
        (["fast=yes"], "fast takes true or false, not 'yes'"),
        (["options=a"], "options takes a JSON object"),
        (["options=" + "[" * 100_000], "options takes a JSON object"),
        (["image=cat.png"], "write image=@cat.png"),
        (
            ["prompt=@none"],
            "There is no file 'none' for prompt; a text that begins with @ is written with two, "
            "prompt=@@none",
        ),
        (["image=@none"], "There is no file 'none' for image"),
        (["prompt=a", "prompt=b"], "prompt is given 2 times"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_that_cannot_be_parsed_is_one_sentence(pairs: list[str], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_pairs(pairs, KNOWN)
    assert message in str(caught.value)
    assert str(caught.value).endswith(".")


def test_at_is_a_file_where_the_model_takes_one_and_else_the_text_in_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text('{"a": "ä"}', encoding="utf-8")
    at = f"=@{file}"
    assert parse_pairs([f"image{at}", f"other{at}"], KNOWN) == {"image": file, "other": file}
    assert parse_pairs([f"prompt{at}", f"options{at}"], KNOWN) == {
        "prompt": '{"a": "ä"}',
        "options": {"a": "ä"},
    }
    file.write_bytes(b"\x89PNG\xff")
    with pytest.raises(InvalidInputError, match="The file for prompt is not text in UTF-8"):
        parse_pairs([f"prompt{at}"], KNOWN)


def test_in_a_json_object_at_is_a_file_only_where_the_model_takes_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    at = f"@{file}"
    given = {"image": at, "prompt": at, "other": at, "n": 1}
    parsed = parse_object(given, KNOWN)
    assert parsed == {"image": file, "prompt": at, "other": at, "n": 1}
    assert displayable([parsed]) == [given]
    with pytest.raises(InvalidInputError, match=r"An input is a JSON object, .* not \[1\]\."):
        parse_object([1], KNOWN)


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000], ids=lambda text: text[:5])
def test_what_is_not_json_is_named(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^The text is not JSON: .*\.$"):
        parse_json(text, "The text")


def test_the_name_of_a_file_is_not_sent_where_it_is_not_known_what_the_model_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cat.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=r"image takes a file: write image=@cat\.png"):
        parse_pairs(["image=cat.png"], UNKNOWN)
    assert parse_pairs(["prompt=cat.png", "image=dog.png"], UNKNOWN) == {
        "prompt": "cat.png",
        "image": "dog.png",
    }
