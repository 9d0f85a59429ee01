"""An answer of a given form is a whole value of it, or an error with the text."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, TypedDict

import pytest
from typing_extensions import NotRequired
from wire import MakeClient, Request, StartWire, response

from replicate_sync import local
from replicate_sync.chats.structured import parse_answer
from replicate_sync.exceptions import InvalidAnswerError, InvalidInputError

TEXT = {"type": "string"}
PERSON = {
    "type": "object",
    "properties": {"name": TEXT, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
ADA = '{"name": "Ada", "age": 36}'


class Kind(enum.Enum):
    CAT = "cat"
    DOG = "dog"


@dataclasses.dataclass
class Toy:
    name: str
    price: float = 1.0


@dataclasses.dataclass
class Pet:
    """An animal."""

    name: str
    kind: Kind
    toys: list[Toy]
    owner: Optional[str] = None  # noqa: UP045  # as people write it


class Movie(TypedDict):
    title: str
    year: int


@dataclasses.dataclass
class Tree:
    name: str
    branches: list[Tree] = dataclasses.field(default_factory=list)


class Reply(TypedDict):
    text: str
    reply: NotRequired[Reply | None]


@dataclasses.dataclass
class Even:
    number: Annotated[int, "an even one"]

    def __post_init__(self) -> None:
        if self.number % 2:
            raise TypeError("it is odd")


@dataclasses.dataclass
class NeedsMore:
    name: str
    database: dataclasses.InitVar[object]


class Api:
    """A model that answers with texts, one after the other."""

    def __init__(self, properties: dict[str, Any], *answers: Any) -> None:
        self.properties = properties
        self.answers = list(answers)
        self.inputs: list[Any] = []

    def __call__(self, request: Request) -> list[bytes]:
        if request.method == "GET":
            schemas = {"Input": {"properties": self.properties}}
            version = {"id": "v1", "openapi_schema": {"components": {"schemas": schemas}}}
            return [response({"latest_version": version})]
        self.inputs.append(request.json["input"])
        done = {"id": "p1", "status": "succeeded", "model": "me/chat", "input": {}}
        return [response({**done, "output": self.answers.pop(0)}, 201)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (ADA, {"name": "Ada", "age": 36}),
        (f" \n{ADA}\n", {"name": "Ada", "age": 36}),
        (f"```json\n{ADA}\n```", {"name": "Ada", "age": 36}),
        (f"Here it is:\n```\n{ADA}\n```\nBye!", {"name": "Ada", "age": 36}),
        (f"Here it is: {ADA} Bye!", {"name": "Ada", "age": 36}),
        ("[1, {}]", [1, {}]),
        ('{"code": "```x```"}', {"code": "```x```"}),
    ],
)
def test_the_value_in_an_answer_is_found(text: str, value: object) -> None:
    assert parse_answer(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        ADA[:-1],
        '{"a": [1, 2',
        '{"a": {"b": 1}',
        ADA + ADA,
        f"{ADA} or {ADA}",
        '{"a": NaN}',
        "[1, 2",
        "[" * 100_000,
    ],
)
def test_half_a_value_or_two_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|no JSON|more than one|too deep"):
        parse_answer(text)


@pytest.mark.parametrize(
    ("schema", "written", "value"),
    [
        (PERSON, ADA, {"name": "Ada", "age": 36}),
        (
            Pet,
            '{"name": "Tom", "kind": "cat", "toys": [{"name": "ball", "price": 2}]}',
            Pet("Tom", Kind.CAT, [Toy("ball", 2.0)]),
        ),
        (Movie, '{"title": "M", "year": 1931}', {"title": "M", "year": 1931}),
        (int, '{"value": 7}', 7),
        (Kind, '{"value": "dog"}', Kind.DOG),
        (list[Toy], '{"value": [{"name": "ball"}]}', [Toy("ball")]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Literal["yes", "no"], '{"value": "no"}', "no"),
        (int | str | None, '{"value": null}', None),
        (Annotated[int, "an age"], '{"value": 7}', 7),
        (
            Tree,
            '{"name": "a", "branches": [{"name": "b", "branches": []}]}',
            Tree("a", [Tree("b")]),
        ),
        (Reply, '{"text": "a", "reply": {"text": "b"}}', {"text": "a", "reply": {"text": "b"}}),
        ({"type": "object", "properties": {"a": True}, "required": ["a"]}, '{"a": 1}', {"a": 1}),
        ({"type": "array", "items": TEXT}, '{"value": ["a"]}', ["a"]),
    ],
)
def test_an_answer_is_a_value_of_the_form(
    schema: Any, written: str, value: Any, wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": TEXT}, written)
    assert client_of(wire(api)).chat("Who?", "me/chat", schema=schema) == value
    prompt = api.inputs[0]["prompt"]
    assert prompt.startswith("Who?\n\nReply with one JSON value and nothing else")


def test_an_answer_that_does_not_conform_is_repaired_once(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": TEXT, "messages": {"type": "array"}}, '{"name": "Ada"}', ADA)
    messages = [{"role": "user", "content": [{"type": "text", "text": "Who?"}]}]
    answer = client_of(wire(api)).chat(messages, "me/chat", schema=PERSON)
    assert answer == {"name": "Ada", "age": 36}
    first, reply, repair = api.inputs[1]["messages"]
    assert "conform to this JSON schema" in first["content"][1]["text"]
    assert reply == {"role": "assistant", "content": '{"name": "Ada"}'}
    assert "the answer needs 'age'" in repair["content"]
    assert messages[0]["content"] == [{"type": "text", "text": "Who?"}]


@pytest.mark.parametrize("last", [ADA[:-4], "", "I cannot.", '{"name": 5, "age": 36}'])
def test_a_second_answer_that_does_not_conform_is_an_error_with_the_text(
    last: str, wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": TEXT}, "no", last)
    with pytest.raises(InvalidAnswerError, match="me/chat answered twice") as raised:
        client_of(wire(api)).chat("Who?", "me/chat", schema=PERSON)
    assert raised.value.text == last
    assert raised.value.prediction is not None
    assert len(api.inputs) == 2


def test_a_model_that_takes_a_schema_gets_it(wire: StartWire, client_of: MakeClient) -> None:
    answers = {"json_output": {"name": "Ada", "age": 36}, "text": ADA}
    api = Api({"prompt": TEXT, "json_schema": {"type": "object"}}, answers, ADA)
    client = client_of(wire(api))
    assert client.chat("Who?", "me/chat", schema=PERSON) == {"name": "Ada", "age": 36}
    assert client.chat("Who?", "me/chat", schema=PERSON) == {"name": "Ada", "age": 36}
    strict = {**PERSON, "additionalProperties": False}
    sent = {"type": "json_schema", "name": "answer", "schema": strict, "strict": True}
    assert api.inputs == [{"prompt": "Who?", "json_schema": {"format": sent}}] * 2


def test_references_are_resolved_for_a_model_that_takes_a_schema(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": TEXT, "json_schema": {"type": "object"}}, '{"name": {"first": "A"}}')
    name = {"type": "object", "properties": {"first": TEXT}, "required": ["first"]}
    inner = {"$ref": "#/$defs/name"}
    person = {"type": "object", "properties": {"name": inner}, "required": ["name"]}
    schema = {"$ref": "#/$defs/person", "$defs": {"person": person, "name": name}}
    answer = client_of(wire(api)).chat("Who?", "me/chat", schema=schema)
    assert answer == {"name": {"first": "A"}}
    closed = {"additionalProperties": False}
    sent = {**person, "properties": {"name": {**name, **closed}}, **closed}
    assert api.inputs[0]["json_schema"]["format"]["schema"] == sent


def test_a_schema_that_no_model_guarantees_is_told_in_words(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": TEXT, "json_schema": {"type": "object"}}, '{"name": "ball"}')
    assert client_of(wire(api)).chat("What?", "me/chat", schema=Toy) == Toy("ball")
    assert list(api.inputs[0]) == ["prompt"]  # it has a property that may be missing


def test_an_answer_that_its_type_does_not_take_is_an_error_with_the_text(
    wire: StartWire, client_of: MakeClient
) -> None:
    odd = '{"number": 3}'
    huge = f'{{"value": 1{"0" * 400}}}'
    for schema, last in ((Even, odd), (float, huge)):
        api = Api({"prompt": TEXT}, last, last)
        with pytest.raises(InvalidAnswerError) as raised:
            client_of(wire(api)).chat("Who?", "me/chat", schema=schema)
        assert raised.value.text == last


@pytest.mark.parametrize(
    "schema",
    [
        5,
        object,
        set[int],
        [],
        Toy("ball"),
        NeedsMore,
        {"if": {}},
        {"default": object()},
        {"pattern": "("},
    ],
)
def test_what_is_no_form_is_an_error_before_anything_is_sent(
    schema: Any, wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": TEXT})
    with pytest.raises(InvalidInputError):
        client_of(wire(api)).chat("Who?", "me/chat", schema=schema)
    assert api.inputs == []


def test_a_type_whose_annotations_name_nothing_is_refused_in_a_sentence() -> None:
    @dataclasses.dataclass
    class Inner:
        name: str

    @dataclasses.dataclass
    class Outer:
        inner: Inner

    with local() as client, pytest.raises(InvalidInputError, match="'Inner' is not defined"):
        client.chat("Who?", schema=Outer)


def test_a_dataclass_with_a_model_of_pydantic_is_a_form(
    wire: StartWire, client_of: MakeClient
) -> None:
    pydantic = pytest.importorskip("pydantic")
    Person = pydantic.create_model("Person", name=(str, ...))
    Team = dataclasses.make_dataclass("Team", [("leader", Person)])
    api = Api({"prompt": TEXT}, '{"leader": {"name": "Ada"}}')
    answer = client_of(wire(api)).chat("Who?", "me/chat", schema=Team)
    assert answer == Team(Person(name="Ada"))


def test_a_model_of_pydantic_without_a_schema_is_refused(
    wire: StartWire, client_of: MakeClient
) -> None:
    pydantic = pytest.importorskip("pydantic")
    Caller = pydantic.create_model("Caller", call=(Callable[[int], int], ...))
    with pytest.raises(InvalidInputError, match="cannot be the form of an answer"):
        client_of(wire(Api({"prompt": TEXT}))).chat("Who?", "me/chat", schema=Caller)


def test_a_model_of_pydantic_is_a_form(wire: StartWire, client_of: MakeClient) -> None:
    pydantic = pytest.importorskip("pydantic")
    Person = pydantic.create_model("Person", name=(str, ...), born=(int, pydantic.Field(ge=1800)))
    api = Api({"prompt": TEXT}, '{"name": "Ada", "born": 1}', '{"name": "Ada", "born": 1815}')
    client = client_of(wire(api))
    assert client.chat("Who?", "me/chat", schema=Person) == Person(name="Ada", born=1815)
    api.answers.append('{"value": [{"name": "Ada", "born": 1815}]}')
    answer = client.chat("Who?", "me/chat", schema=list[Person])
    assert answer == [Person(name="Ada", born=1815)]


def test_a_struct_of_msgspec_is_a_form(wire: StartWire, client_of: MakeClient) -> None:
    msgspec = pytest.importorskip("msgspec")
    Person = msgspec.defstruct("Person", [("name", str), ("born", int)])
    api = Api({"prompt": TEXT}, '{"name": "Ada", "born": "x"}', '{"name": "Ada", "born": 1815}')
    client = client_of(wire(api))
    assert client.chat("Who?", "me/chat", schema=Person) == Person(name="Ada", born=1815)


@pytest.mark.slow
def test_a_local_stand_in_answers_in_a_form() -> None:
    with local() as client:
        answer = client.chat("Who?", "openai/gpt-5-structured", schema=PERSON)
        assert answer == {"name": "sample", "age": 1}
        text = "".join(client.chat("Who?", "openai/gpt-5-structured"))
        assert json.loads(text) is None
