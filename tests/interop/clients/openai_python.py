"""What a program does with OpenAI's Python client, against the gateway."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor

import openai
from scenarios import raised, run

client = openai.OpenAI()
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def turns(content="Bees?"):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]


def it_chats():
    completion = client.chat.completions.create(model="gpt-4o-mini", messages=turns())
    assert "1 of the system, 1 of the user" in completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.completion_tokens > 10


def it_streams():
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o-mini", messages=turns(), stream=True, stream_options=options
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("I was given 2 messages")
    assert chunks[-1].usage.total_tokens > 10
    assert len(chunks) > 10


def it_streams_with_a_helper():
    with client.chat.completions.stream(model="gpt-4o-mini", messages=turns()) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    assert message.content.startswith("I was given 2 messages")


async def it_chats_without_blocking():
    async with openai.AsyncOpenAI() as asynchronous:
        stream = await asynchronous.chat.completions.create(
            model="gpt-4o-mini", messages=turns(), stream=True
        )
        assert len([chunk async for chunk in stream]) > 10


def it_makes_several_choices():
    create = client.chat.completions.create
    completion = create(model="gpt-4o-mini", messages=turns(), n=3)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    chunks = list(create(model="gpt-4o-mini", messages=turns(), n=2, stream=True))
    texts = ["", ""]
    for chunk in chunks:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts[0] == texts[1] == completion.choices[0].message.content


def it_streams_a_hundred_at_once():
    def stream(number):
        chunks = client.chat.completions.create(
            model="gpt-4o-mini", messages=turns(), stream=True, max_completion_tokens=30
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    with ThreadPoolExecutor(100) as threads:
        texts = list(threads.map(stream, range(100)))
    assert len(texts[0].split()) >= 20
    assert set(texts) == {texts[0]}


def it_is_told_what_a_model_takes_that_calls_no_tools():
    function = {"name": "weather", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}]
    create = client.chat.completions.create
    error = raised(
        openai.BadRequestError,
        lambda: create(model="gpt-4o-mini", messages=turns(), tools=tools),
    )
    assert "it takes prompt, system_prompt, messages" in error.message
    assert error.param == "tools"


def it_sends_pictures():
    picture = {"type": "image_url", "image_url": {"url": PIXEL}}
    content = [{"type": "text", "text": "What?"}, picture, picture]
    completion = client.chat.completions.create(model="gpt-4o-mini", messages=turns(content))
    assert "I was given 2 pictures: a PNG of 1 × 1" in completion.choices[0].message.content


def it_parses_an_answer():
    import pydantic

    Person = pydantic.create_model("Person", name=(str, ...), age=(int, ...))
    completion = client.chat.completions.parse(
        model="openai/gpt-5-structured", messages=turns(), response_format=Person
    )
    assert completion.choices[0].message.parsed == Person(name="sample", age=1)


def it_draws():
    images = client.images.generate(model="dall-e-3", prompt="a cat", n=2, size="1024x1024")
    assert all(image.url.startswith("http") for image in images.data)
    [image] = client.images.generate(
        model="dall-e-3", prompt="a cat", response_format="b64_json"
    ).data
    assert base64.b64decode(image.b64_json)[8:12] == b"WEBP"


def it_embeds():
    response = client.embeddings.create(model="text-embedding-3-small", input=["a b", "c"])
    assert [len(one.embedding) for one in response.data] == [8, 8]


def it_transcribes():
    audio = io.BytesIO(b"RIFF\0\0\0\0WAVE")
    audio.name = "a.wav"
    response = client.audio.transcriptions.create(model="whisper-1", file=audio)
    assert response.text.startswith("This is the transcript")


def it_lists_models():
    assert "gpt-4o-mini" in [model.id for model in client.models.list()]
    assert client.models.retrieve("openai/gpt-5-mini").owned_by == "openai"


def it_says_what_is_wrong():
    create = client.chat.completions.create
    message = [{"role": "user", "content": "x"}]
    error = raised(openai.NotFoundError, lambda: create(model="nobody/x", messages=message))
    assert error.code == "model_not_found"
    error = raised(
        openai.BadRequestError, lambda: create(model="claude", messages=message, max_tokens=3)
    )
    assert "at least 1024" in error.message
    error = raised(
        openai.InternalServerError, lambda: create(model="local/always-fails", messages=message)
    )
    assert error.code == "model_failed"
    failing = create(model="local/always-fails", messages=message, stream=True)
    assert "fails on purpose" in str(raised(openai.APIError, lambda: list(failing)))


def it_leaves():
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=turns(), stream=True)
    next(iter(stream))
    stream.close()


run(globals())
