"""How the inputs of a map are read: JSON lines and CSV, all of them before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicate_sync import InvalidInputError
from replicate_sync.cli.input_files import read_inputs
from replicate_sync.payloads.input_schema import Inputs

INPUTS = Inputs.parse(
    {
        "Input": {
            "properties": {
                "n": {"type": "integer"},
                "note": {"type": "string"},
                "fast": {"type": "boolean"},
                "image": {"type": "string", "format": "uri"},
            },
            "required": ["n"],
        }
    }
)


def jsonl(*inputs: object) -> str:
    return "".join(json.dumps(one) + "\n" for one in inputs)


def test_each_line_of_json_is_an_input(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    source = tmp_path / "in.jsonl"
    source.write_text(jsonl({"n": 1}) + "\n" + jsonl({"n": 2, "image": f"@{tmp_path}/a.png"}))
    assert read_inputs(str(source), INPUTS) == [{"n": 1}, {"n": 2, "image": tmp_path / "a.png"}]


def test_the_cells_of_a_table_are_parsed_as_the_model_takes_them(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("from a file")
    rows = [
        "\ufeffn,note,fast",
        '1,"5, ""five""",true',
        "2,,",
        f"3,@{tmp_path}/note.txt,false",
        "4,@@home",
        "",
    ]
    source = tmp_path / "in.CSV"
    source.write_text("\r\n".join(rows), encoding="utf-8")
    assert read_inputs(str(source), INPUTS) == [
        {"n": 1, "note": '5, "five"', "fast": True},
        {"n": 2},
        {"n": 3, "note": "from a file", "fast": False},
        {"n": 4, "note": "@home"},
    ]


def test_an_empty_file_has_no_inputs(tmp_path: Path) -> None:
    for name in ("in.jsonl", "in.csv"):
        (tmp_path / name).touch()
        assert read_inputs(str(tmp_path / name), INPUTS) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.jsonl", jsonl({"n": 1}) + "{\n", "Line 2: It is not JSON"),
        ("in.jsonl", jsonl({"n": 1}, [1]), "Line 2: An input is a JSON object"),
        ("in.jsonl", jsonl({"n": 1}, {"m": 1}), "Line 2: there is no input 'm'; n is required"),
        ("in.jsonl", '{"n": 1, "note": NaN}', "Line 1: "),
        ("in.csv", "n\n1\nx\n", "Line 3: n takes a whole number, not 'x'"),
        ("in.csv", "n,note\n1,a,b\n", "Line 2: it has 3 cells below 2 names"),
        ("in.csv", "n,note\n1,@none\n", "Line 2: There is no file 'none' for note"),
        ("in.csv", "n,note\n1,@-\n", "Line 2: a cell cannot be read from stdin"),
        ("in.csv", 'n,note\n1,"a\n', "It is not CSV"),
        ("in.csv", "n,note,n\n1,a,2\n", "Line 1: the name 'n' stands above two columns"),
        ("in.csv", "n,\n1,a\n", "Line 2: the cell 'a' stands in a column without a name"),
        ("in.jsonl", b"\xff\xfe", "is not text in UTF-8"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_lines_are_named(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        read_inputs(str(tmp_path / name), INPUTS)
    assert message in str(caught.value)


def test_of_many_wrong_lines_the_first_are_named(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(jsonl(*({"m": n} for n in range(9)), {"n": 1}))
    with pytest.raises(InvalidInputError) as caught:
        read_inputs(str(source), INPUTS)
    message = str(caught.value)
    assert f"9 of 10 inputs in {source} cannot be used, and nothing was sent" in message
    assert "Line 5" in message
    assert "Line 6" not in message
    assert message.endswith("And 4 more.")
