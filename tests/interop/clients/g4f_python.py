"""What a program does with gpt4free's own client, whose providers are the clients of this package."""

import base64
import os

from g4f.client import AsyncClient, Client
from scenarios import run

from replicate_sync import Replicate, ReplicateHome

client = Client(provider=Replicate)
home = Client(provider=ReplicateHome, base_url=os.environ["REPLICATE_ORIGIN"])
QUESTION = [{"role": "user", "content": "Bees?"}]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def it_chats():
    turns = [{"role": "system", "content": "Be brief."}, *QUESTION]
    completion = client.chat.completions.create(messages=turns, model="openai/gpt-5-mini")
    assert "1 of the system, 1 of the user" in completion.choices[0].message.content


def it_streams_with_the_parameters():
    options = {"seed": 3, "max_tokens": 20, "temperature": 0.5}
    chunks = client.chat.completions.create(messages=QUESTION, model="", stream=True, **options)
    assert "Bees" in text_of(chunks)


def it_sends_pictures_and_inputs_of_the_model():
    completion = client.chat.completions.create(
        messages=QUESTION,
        model="openai/gpt-5-mini",
        images=[[PIXEL, "pixel.png"]],
        extra_body={"verbosity": "low"},
    )
    text = completion.choices[0].message.content
    assert "a PNG of 1 × 1 pixels" in text
    assert "low verbosity" in text


async def it_chats_without_blocking():
    completion = await AsyncClient(provider=Replicate).chat.completions.create(
        messages=QUESTION, model="openai/gpt-5-mini"
    )
    assert completion.choices[0].message.content.startswith("I was given 1 message")


def it_draws():
    images = client.images.generate(prompt="a cat", model="flux-schnell", response_format="url")
    assert images.data[0].url.startswith("http")
    images = client.images.generate(prompt="a cat", response_format="b64_json")
    assert base64.b64decode(images.data[0].b64_json)[8:12] == b"WEBP"


def it_lists_models():
    assert Replicate.default_model in client.models.get_all()


def it_chats_with_the_homepage():
    completion = home.chat.completions.create(messages=QUESTION, model="gemma-2b", seed=3)
    assert "Bees" in completion.choices[0].message.content
    chunks = home.chat.completions.create(messages=QUESTION, model="", stream=True)
    assert "Bees" in text_of(chunks)


def it_draws_with_the_homepage():
    images = home.images.generate(
        prompt="a cat", model="sd-3", response_format="url", base_url=home.base_url
    )
    assert images.data[0].url.startswith("http")


run(globals())
