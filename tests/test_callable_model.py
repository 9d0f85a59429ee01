"""A model as a function: its signature, its checks, and what it returns."""

from __future__ import annotations

import inspect
import io
import pickle
import pydoc
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from replicate_sync import (
    FileOutput,
    InvalidInputError,
    ModelNotFoundError,
    OutputTypeError,
    Replicate,
    local,
)
from replicate_sync.callable_model import CallableModel, describe
from replicate_sync.offline import LocalReplicate
from replicate_sync.payloads.python_types import (
    contradicts,
    is_instance,
    parameter_names,
    type_name,
    validate_expected,
)
from replicate_sync.payloads.schemas import ModelSchema
from replicate_sync.refs import ModelRef
from replicate_sync.server.schemas import Between

DRAWN: list[dict[str, Any]] = []


def draw(
    prompt: Annotated[str, "What to draw"],
    num_outputs: Annotated[int, "How many", Between(1, 4)] = 1,
    style: Literal["plain", "rich"] = "plain",
    image: Annotated[Path | None, "Where to begin"] = None,
) -> list[bytes]:
    DRAWN.append({"prompt": prompt, "num_outputs": num_outputs, "style": style})
    return [b"picture" + str(number).encode() for number in range(num_outputs)]


def enlarge(image: Path, factor: float = 2.0) -> bytes:
    return image.read_bytes() * int(factor)


def write(prompt: str) -> Iterator[str]:
    yield from ("so ", "it ", prompt)


@pytest.fixture(scope="module")
def client() -> Iterator[LocalReplicate]:
    with local() as client:
        client.server.model("me/draw")(draw)
        client.server.model("me/enlarge", official=False)(enlarge)
        client.server.model("me/write")(write)
        yield client


def sent(client: LocalReplicate) -> int:
    return len(client.server.requests)


def test_a_call_runs_the_model_with_its_inputs(client: LocalReplicate) -> None:
    flux = client.use("me/draw")
    first, second = flux(prompt="a hill", num_outputs=2, style=None)
    assert (first.read(), second.read()) == (b"picture0", b"picture1")
    assert DRAWN[-1] == {"prompt": "a hill", "num_outputs": 2, "style": "plain"}


def test_its_signature_is_that_of_the_schema(client: LocalReplicate) -> None:
    signature = inspect.signature(client.use("me/draw"))
    assert list(signature.parameters) == ["prompt", "num_outputs", "style", "image"]
    prompt, num_outputs, style, image = signature.parameters.values()
    assert (prompt.default, prompt.annotation) == (inspect.Parameter.empty, str)
    assert (num_outputs.default, num_outputs.annotation) == (1, Annotated[int, "1 to 4"])
    assert (style.default, style.annotation) == ("plain", Literal["plain", "rich"])
    assert image.default is None
    assert signature.return_annotation == list[FileOutput]
    assert {one.kind for one in signature.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_help_shows_its_inputs(client: LocalReplicate) -> None:
    text = pydoc.plain(pydoc.render_doc(client.use("me/draw")))
    assert "num_outputs (integer): How many. 1 to 4. Default: 1." in text
    assert "prompt (string): What to draw. Required." in text
    assert "style (string): The input 'style'. One of plain, rich. Default: 'plain'." in text
    assert "image (file): Where to begin." in text


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"promt": "x"}, "there is no input 'promt'; did you mean 'prompt'?"),
        ({}, "prompt is required"),
        ({"prompt": 5}, "prompt must be of type string, not int"),
        ({"prompt": "x", "num_outputs": 9}, "num_outputs must be at most 4, not 9"),
        ({"prompt": "x", "num_outputs": "2"}, "num_outputs must be of type integer, not str"),
        ({"prompt": "x", "style": "loud"}, "style must be one of plain, rich, not 'loud'"),
        ({"prompt": "x", "image": 5}, "image must be of type file, not int"),
    ],
)
def test_what_does_not_fit_raises_before_anything_is_sent(
    client: LocalReplicate, inputs: dict[str, Any], problem: str
) -> None:
    flux = client.use("me/draw")
    before = sent(client)
    for call in (flux, flux.create, flux.stream):
        with pytest.raises(InvalidInputError) as raised:
            call(**inputs)
        assert problem in str(raised.value)
        assert problem in [field["description"] for field in raised.value.fields]
    assert sent(client) == before


def test_inputs_have_names(client: LocalReplicate) -> None:
    with pytest.raises(InvalidInputError, match=r"by name: draw\(\*, prompt: str"):
        client.use("me/draw")("a hill")  # type: ignore[arg-type]


def test_the_schema_is_fetched_once(client: LocalReplicate) -> None:
    before = sent(client)
    flux = client.use("me/draw")
    assert sent(client) == before + 1
    flux(prompt="x")
    assert sent(client) == before + 2


def test_a_model_that_is_not_there_raises_at_once(client: LocalReplicate) -> None:
    with pytest.raises(ModelNotFoundError, match="Did you mean 'me/write'"):
        client.use("me/writ")
    with pytest.raises(ModelNotFoundError):
        client.use("me/draw:" + "0" * 64)
    with pytest.raises(ModelNotFoundError):
        client.use("nobody")


def test_it_streams_creates_and_maps(client: LocalReplicate) -> None:
    writer = client.use("me/write")
    assert "".join(writer.stream(prompt="goes")) == "so it goes"
    assert writer.create(prompt="was").result() == "so it was"
    assert list(writer.map([{"prompt": "a"}, {"prompt": "b"}])) == ["so it a", "so it b"]
    with pytest.raises(Exception, match="did you mean 'prompt'"):
        list(writer.map([{"promp": "a"}]))


def test_it_has_a_page_a_schema_and_a_repr(client: LocalReplicate) -> None:
    version = str(client.models.get("me/draw").latest_version)
    assert client.use("me/draw").url == "https://replicate.com/me/draw"
    assert client.use(f"me/draw:{version}").url.endswith(f"/me/draw/versions/{version}")
    flux = client.use(client.models.get("me/draw"))
    assert list(flux.schema.inputs) == list(flux.inputs)
    assert repr(flux).startswith("<me/draw(*, prompt: str, num_outputs: ")
    assert flux.__name__ == "draw"


@pytest.mark.slow
def test_a_pinned_version_of_a_community_model_is_called(client: LocalReplicate) -> None:
    version = client.models.get("me/enlarge").latest_version
    assert version is not None
    for model in ("me/enlarge", f"me/enlarge:{version}"):
        assert client.use(model)(image=io.BytesIO(b"ab")).read() == b"abab"


def test_a_version_id_alone_runs_without_a_signature(client: LocalReplicate) -> None:
    version = client.models.get("me/write").latest_version
    writer = Replicate("r8_local", base_url=client.base_url).use(str(version))
    assert writer(prompt="x") == "so it x"
    assert "Its inputs are not known." in str(writer.__doc__)
    assert str(inspect.signature(writer)) == "(**inputs: Any) -> Any"


def test_a_version_has_its_schema_already(client: LocalReplicate) -> None:
    version = client.models.get("me/write").latest_version
    assert version is not None
    before = sent(client)
    assert "prompt" in client.use(version).inputs
    assert sent(client) == before


@pytest.mark.slow
def test_a_chain_passes_outputs_on_without_a_download(client: LocalReplicate) -> None:
    flux = client.use("me/draw")
    larger = client.use("me/enlarge")
    prediction = flux.create(prompt="x")
    assert larger(image=prediction).read() == b"picture0picture0"
    assert larger(image=flux(prompt="x")).read() == b"picture0picture0"
    assert larger(image=larger(image=flux(prompt="x"))).read() == b"picture0" * 4
    assert not [request for request in client.server.requests if "/download" in request.path]


def test_it_can_be_pickled_and_its_copy_asks_for_nothing(client: LocalReplicate) -> None:
    remote = Replicate("r8_local", base_url=client.base_url)
    copy = pickle.loads(pickle.dumps(remote.use("me/write")))
    before = sent(client)
    assert inspect.signature(copy) == inspect.signature(client.use("me/write"))
    assert sent(client) == before + 1  # of the other one
    assert copy(prompt="x") == "so it x"


def test_the_expected_type_is_compared(client: LocalReplicate) -> None:
    assert client.run("me/write", {"prompt": "x"}, expect=str) == "so it x"
    assert len(client.run("me/draw", {"prompt": "x"}, expect=list[FileOutput])) == 1
    with pytest.raises(OutputTypeError, match="returned list, and str was expected") as raised:
        client.run("me/draw", {"prompt": "x"}, expect=str)
    assert isinstance(raised.value, TypeError)
    assert raised.value.prediction.status == "succeeded"
    assert len(raised.value.prediction.result()) == 1


def test_an_expectation_that_the_schema_contradicts_raises_before_anything_is_paid(
    client: LocalReplicate,
) -> None:
    assert client.use("me/write", expect=str)(prompt="x") == "so it x"
    with pytest.raises(InvalidInputError, match="returns a list of files, and never str"):
        client.use("me/draw", expect=str)
    with pytest.raises(InvalidInputError, match=r"never list\[str\]"):
        client.use("me/draw", expect=list[str])
    before = sent(client)
    with pytest.raises(InvalidInputError, match="expect= takes the type of the result"):
        client.run("me/draw", {"prompt": "x"}, expect="str")  # type: ignore[call-overload]
    assert sent(client) == before


def schema_of(properties: dict[str, Any], output: dict[str, Any]) -> ModelSchema:
    return ModelSchema.parse({"Input": {"properties": properties}, "Output": output})


def test_names_that_are_no_identifiers_are_parameters_too() -> None:
    assert parameter_names(["image-1", "image_1", "class", "2d", "größe", "a b"]) == {
        "image_1_": "image-1",
        "image_1": "image_1",
        "class_": "class",
        "_2d": "2d",
        "gr_e": "größe",
        "a_b": "a b",
    }


def test_such_a_name_is_sent_as_the_model_has_it(client: LocalReplicate) -> None:
    schema = schema_of({"image-1": {"type": "string"}, "class": {"type": "integer"}}, {})
    model: CallableModel[Any] = CallableModel(client, ModelRef("a/b"), schema)
    assert str(inspect.signature(model)) == (
        "(*, image_1: str | None = None, class_: int | None = None) -> Any"
    )
    with pytest.raises(InvalidInputError, match="image-1 must be of type string"):
        model(image_1=5)
    with pytest.raises(InvalidInputError, match="class must be of type integer"):
        model(**{"class": "x"})


def test_a_description_of_no_words_is_a_sentence() -> None:
    schema = schema_of({"x": {"type": "integer", "minimum": 2}}, {"type": "boolean"})
    assert describe(ModelRef("a/b"), schema, {"x": "x"}) == (
        "Run a/b, and return true or false.\n\nArgs:\n    x (integer): The input 'x'. At least 2."
    )


@pytest.mark.parametrize(
    ("value", "expected", "is_so"),
    [
        ("a", str, True),
        ("a", int, False),
        (1, float, True),
        (True, int, False),
        (True, bool, True),
        (True, int | bool, True),
        (["a"], list[str], True),
        (["a", 1], list[str], False),
        (["a"], list, True),
        ({"a": 1}, dict[str, int], True),
        ({"a": "b"}, dict[str, int], False),
        ({"a": ["b"]}, dict[str, list[str]], True),
        (None, str | None, True),
        (None, object, True),
        ("a", Any, True),
    ],
)
def test_a_value_is_of_a_type_or_not(value: object, expected: Any, is_so: bool) -> None:
    assert is_instance(value, expected) is is_so


@pytest.mark.parametrize(
    ("output", "expected", "does"),
    [
        ({"type": "string"}, str, False),
        ({"type": "string"}, FileOutput, True),
        ({"type": "string", "format": "uri"}, FileOutput, False),
        ({"type": "integer"}, float, False),
        ({"type": "number"}, int, True),
        ({}, int, False),
        ({"type": "array", "items": {"type": "string"}}, list, False),
        ({"type": "array", "items": {"type": "string"}}, list[str], False),
        ({"type": "array", "items": {"type": "string"}}, list[int], True),
        ({"type": "array", "items": {}}, list[int], False),
        ({"type": "array", "x-cog-array-display": "concatenate"}, str, False),
        ({"type": "array", "x-cog-array-display": "concatenate"}, list[str], True),
        ({"type": "object"}, dict[str, Any], False),
        ({"type": "object"}, str | None, False),
        ({"type": "object"}, object, False),
    ],
)
def test_a_schema_contradicts_a_type_or_not(
    output: dict[str, Any], expected: Any, does: bool
) -> None:
    assert contradicts(schema_of({}, output).output, expected) is does


@pytest.mark.parametrize("expected", ["str", 5, tuple[int, int], list["FileOutput"], Literal["a"]])
def test_what_is_no_type_of_a_result_is_refused(expected: Any) -> None:
    with pytest.raises(InvalidInputError, match="expect="):
        validate_expected(expected)


def test_a_type_is_written_as_people_write_it() -> None:
    assert type_name(list[FileOutput]) == "list[FileOutput]"
    assert type_name(dict[str, list[int]]) == "dict[str, list[int]]"
    assert type_name(str | None) == "str | NoneType"
