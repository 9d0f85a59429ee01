"""The schema of a predictor follows from its signature, as Cog would write it; needs Cog."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cog")

from replicate_sync.server.cog import signature

pytestmark = pytest.mark.cog
HEAD = """
import enum
from typing import *
import cog
from cog import *

class Kind(str, enum.Enum):
    cat = "cat"

class Record(TypedDict):
    n: int

class Point(BaseModel):
    x: int
    note: Optional[str]

"""


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore what loading a predictor changes."""
    import cog
    import cog.input

    monkeypatch.setattr(cog, "Input", cog.Input)
    monkeypatch.setattr(cog.input, "Input", cog.input.Input)
    monkeypatch.setitem(sys.modules, "predictor", sys)


@pytest.fixture
def signature_of(tmp_path: Path) -> Iterator[Any]:
    """Return the signature of a predictor's text."""

    def find(text: str, name: str = "") -> dict[str, Any]:
        file = tmp_path / "predictor.py"
        file.write_text(HEAD + text)
        optional: list[object] = []
        predict = signature.load(f"{file}:{name}", optional)
        return signature.signature(predict, optional)

    return find


def input_of(signature: dict[str, Any]) -> Any:
    return signature["document"]["components"]["schemas"]["Input"]


URI = {"type": "string", "format": "uri"}
OBJECT = {"type": "object"}


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        ("x: str", {"type": "string"}),
        ("x: int = 3", {"type": "integer", "default": 3}),
        ("x: float = 2", {"type": "number", "default": 2.0}),
        ("x: bool = False", {"type": "boolean", "default": False}),
        ("x: Path", URI),
        ("x: File = Input(default=None)", {**URI, "nullable": True}),
        ("x: Optional[Path] = None", {**URI, "nullable": True}),
        ("x: str | None", {"type": "string", "nullable": True}),
        ("x: dict", OBJECT),
        ("x: Record", OBJECT),
        ("x: Any", OBJECT),
        ("x: list", {"type": "array", "items": OBJECT}),
        ("x: list[Record]", {"type": "array", "items": OBJECT}),
        ("x: list[int] = [1]", {"type": "array", "items": {"type": "integer"}, "default": [1]}),
        ("x: List[str] = Input(choices=['a', 'b'])",
         {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}),
        ("x: Annotated[int, 'a number']", {"type": "integer"}),
        ("x: Annotated[Any, Opaque]", OBJECT),
        ("x: Annotated[list[Any], Opaque]", {"type": "array", "items": OBJECT}),
        ("x: Annotated[Optional[Record], Opaque]", {**OBJECT, "nullable": True}),
        ("x: Union[str, int]", {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ("x: str = Kind.cat", {"type": "string", "default": "cat"}),
        ("x: str = Input(default='ab', min_length=1, max_length=3, regex='a+',description='D')",
         {"type": "string", "default": "ab", "minLength": 1, "maxLength": 3, "pattern": "a+",
          "description": "D"}),
        ("x: int = Input(ge=0, le=9, deprecated=True)",
         {"type": "integer", "minimum": 0, "maximum": 9, "deprecated": True}),
        ("x: float = Input(ge=0, le=9)", {"type": "number", "minimum": 0.0, "maximum": 9.0}),
        ("x: Union[str, Path]", {}),
        ("x: list[list[int]]", {}),
        ("x: list[Optional[int]]", {}),
        ("x: set", {}),
        ("x", {}),
    ],
)  # fmt: skip
def test_an_annotation_is_an_input_schema(
    signature_of: Any, parameter: str, schema: dict[str, Any]
) -> None:
    found = input_of(signature_of(f"def predict({parameter}) -> str: ...", "predict"))
    assert found["properties"]["x"] == {"title": "X", "x-order": 0, **schema}


@pytest.mark.parametrize(
    ("parameter", "required"),
    [
        ("x: str", True),
        ("x: int = Input(ge=0)", True),
        ("x: set", True),
        ("x: str = 'a'", False),
        ("x: str = None", False),
        ("x: str = Input(default='a')", False),
        ("x: str = Input(default=None)", False),
        ("x: str = Input(None)", False),
        ("x: Optional[str]", False),
        ("x: set = Input(default=None)", False),
    ],
)
def test_an_input_without_a_default_is_required(
    signature_of: Any, parameter: str, required: bool
) -> None:
    found = input_of(signature_of(f"def predict({parameter}) -> str: ...", "predict"))
    assert ("x" in found.get("required", ())) == required


def test_a_secret_shows_no_default(signature_of: Any) -> None:
    found = input_of(signature_of("def predict(x: Secret = 'hush') -> str: ...", "predict"))
    assert found["properties"]["x"]["x-cog-secret"]
    assert "default" not in found["properties"]["x"]


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", TEXT),
        ("Any", {}),
        ("None", {}),
        ("Optional[str]", {}),
        ("Path", URI),
        ("list[Path]", {"type": "array", "items": URI}),
        ("Iterator[Path]", {"type": "array", "items": URI, "x-cog-array-type": "iterator"}),
        ("AsyncIterator[str]", {"type": "array", "items": TEXT, "x-cog-array-type": "iterator"}),
        ("ConcatenateIterator[str]",
         {"type": "array", "items": TEXT, "x-cog-array-type": "iterator",
          "x-cog-array-display": "concatenate"}),
        ("Iterator[list[str]]", {}),
        ("Annotated[Record, Opaque]", OBJECT),
        ("Annotated[str, 'text']", TEXT),
        ("Point",
         {"type": "object", "required": ["x"],
          "properties": {"x": {"type": "integer", "title": "X"},
                         "note": {"type": "string", "nullable": True, "title": "Note"}}}),
    ],
)  # fmt: skip
def test_a_return_annotation_is_the_output_schema(
    signature_of: Any, annotation: str, schema: dict[str, Any]
) -> None:
    found = signature_of(f"def predict() -> {annotation}: ...", "predict")
    assert found["document"]["components"]["schemas"]["Output"] == {"title": "Output", **schema}


def test_a_generator_without_annotation_streams_anything(signature_of: Any) -> None:
    found = signature_of("def predict():\n    yield 1", "predict")
    assert found["document"]["components"]["schemas"]["Output"] == {
        "title": "Output", "type": "array", "items": {}, "x-cog-array-type": "iterator",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["run", "predict"])
@pytest.mark.parametrize("name", ["Runner", "Predictor"])
def test_the_class_is_found_without_its_name(signature_of: Any, name: str, method: str) -> None:
    found = signature_of(
        f"class {name}(BaseRunner):\n"
        "    @cog.concurrent(max=3)\n"
        f"    async def {method}(self, n: int) -> str: ..."
    )
    assert (list(input_of(found)["properties"]), found["slots"]) == (["n"], 3)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("class Runner(BaseRunner): ...", "", "run or predict method not found: Runner"),
        ("", "", "has no Predictor"),
        ("", "Mine", "has no Mine"),
        ("raise ValueError('no weights')", "", "no weights"),
    ],
)
def test_what_is_no_predictor_is_an_error(
    signature_of: Any, text: str, name: str, message: str
) -> None:
    with pytest.raises((ValueError, AttributeError), match=message):
        signature_of(text, name)
