"""What a program does with LangChain's client of OpenAI, against the gateway."""

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from scenarios import run

model = ChatOpenAI(model="gpt-4o-mini")
TURNS = [SystemMessage("Be brief."), HumanMessage("Bees?")]


def it_chats():
    reply = model.invoke(TURNS)
    assert reply.content.startswith("I was given 2 messages")
    assert reply.usage_metadata["output_tokens"] > 10


def it_streams():
    pieces = [chunk.content for chunk in model.stream(TURNS)]
    assert "".join(pieces).startswith("I was given 2 messages")
    assert len(pieces) > 10


async def it_chats_without_blocking():
    assert (await model.ainvoke(TURNS)).content.startswith("I was given 2 messages")


def it_runs_a_batch():
    assert len(model.batch(["a", "b", "c"])) == 3


def it_parses_an_answer():
    schema = {
        "title": "Person",
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    }
    structured = ChatOpenAI(model="openai/gpt-5-structured").with_structured_output(
        schema, method="json_schema"
    )
    assert structured.invoke("Who?") == {"name": "sample"}


run(globals())
