"""Both clients are providers of gpt4free, which calls them with arguments of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from replicate_sync import Polling, Replicate, ReplicateHome
from replicate_sync.exceptions import InvalidInputError
from replicate_sync.gpt4free import sort_arguments, with_media
from replicate_sync.server import LocalServer
from replicate_sync.server.standins import text as writing

PNG = b"\x89PNG\r\n\x1a\n"
QUESTION = [{"role": "user", "content": "Bees?"}]


class ImageResponse(NamedTuple):
    """A picture of gpt4free's, as far as providers know it."""

    urls: list[str]
    alt: str


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """Return a local server that is the API of every client."""
    monkeypatch.setattr(writing, "WORD_DELAY", 0)
    with LocalServer() as local:
        monkeypatch.setenv("REPLICATE_API_TOKEN", local.token)
        monkeypatch.setenv("REPLICATE_BASE_URL", local.url)
        yield local


@pytest.fixture
def responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it look as if gpt4free had been imported."""
    module: Any = ModuleType("g4f.providers.response")
    module.ImageResponse = ImageResponse
    monkeypatch.setitem(sys.modules, "g4f.providers.response", module)


@pytest.mark.parametrize("provider", [Replicate, ReplicateHome])
def test_a_provider_has_what_gpt4free_asks_for(provider: Any) -> None:
    name = provider.__name__
    assert provider.get_dict() == {"name": name, "url": "https://replicate.com", "label": None}
    assert provider.get_parent() == name
    assert provider.default_model in provider.get_models(api_key="x")
    assert (provider.live, provider.use_stream_timeout) == (0, False)
    assert provider.supports_message_history
    assert provider.supports_system_message


def test_arguments_are_sorted_by_what_they_are_for() -> None:
    sorted_out = sort_arguments(
        {
            "provider": Replicate,
            "user": "me",
            "conversation": object(),
            "tools": [],
            "media": [(PNG, "a.png")],
            "seed": 3,
            "n": 2,
            "width": None,
            "extra_data": {"a": 1, "b": 1},
            "extra_body": {"b": 2},
            "api_base": "http://127.0.0.1",
            "response_format": {"type": "json_object"},
            "unknown": 1,
        }
    )
    assert sorted_out.media == [(PNG, "a.png")]
    assert sorted_out.extra == {"seed": 3, "num_outputs": 2, "a": 1, "b": 2}
    assert sorted_out.schema is None
    assert sorted_out.others == {"base_url": "http://127.0.0.1", "unknown": 1}


@pytest.mark.parametrize(
    "arguments",
    [{"tools": [{"type": "function"}]}, {"response_format": {"type": "json_schema"}}],
)
def test_what_models_here_cannot_do_is_an_error(arguments: Any) -> None:
    with pytest.raises(InvalidInputError):
        sort_arguments(arguments)


def test_files_go_with_the_last_message() -> None:
    picture = {"type": "image", "image": PNG}
    assert with_media(QUESTION, []) is QUESTION
    assert with_media("Bees?", [PNG]) == [{"role": "user", "content": ["Bees?", picture]}]
    mixed = [{"role": "user", "content": [{"type": "text", "text": "Bees?"}]}]
    assert with_media([*QUESTION, *mixed], [(PNG, "a.png")])[1]["content"][1:] == [picture]  # type: ignore[index]
    assert QUESTION == [{"role": "user", "content": "Bees?"}]


def test_a_chat_of_gpt4free_reaches_the_model(server: LocalServer) -> None:
    pieces = Replicate.create_completion(
        model="openai/gpt-5-mini",
        messages=QUESTION,
        provider=Replicate,
        stream=True,
        media=[("data:image/png;base64,AAAA", "a.png")],
        extra_body={"verbosity": "low"},
        timeout=None,
        base_url=server.url,
        polling=Polling(100, 0.02),
    )
    text = "".join(pieces)
    assert "I was given 1 picture" in text
    assert "low verbosity" in text
    first = "".join(Replicate.create_completion("", QUESTION, seed=7, max_tokens=9))
    assert first == "".join(Replicate.create_completion("", QUESTION, True, seed=7, max_tokens=9))


def test_the_third_argument_may_still_be_the_key(server: LocalServer) -> None:
    pieces = Replicate.create_completion("replicate/hello-world", QUESTION, "r8_wrong")
    with pytest.raises(Exception, match="401"):
        list(pieces)


def test_a_reply_may_have_a_schema(server: LocalServer) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    pieces = Replicate.create_completion(
        "openai/gpt-5-structured", QUESTION, response_format=form, stream=False
    )
    assert list(pieces) == ['{"a": 1}']


@pytest.mark.slow
def test_pictures_are_gpt4frees_own_where_it_is_loaded(
    server: LocalServer, responses: None
) -> None:
    [picture] = Replicate.create_completion(None, QUESTION, True, prompt="a cat", n=2)  # type: ignore[arg-type]
    assert picture.alt == "a cat"
    assert len(picture.urls) == 2
    assert all(url.startswith(server.origin) for url in picture.urls)
    [picture] = ReplicateHome.create_completion(
        "sd-3", QUESTION, True, prompt="a cat", base_url=server.origin, polling=Polling(100, 0.02)
    )
    assert picture.alt == "a cat"


@pytest.mark.slow
def test_pictures_are_files_where_gpt4free_is_not_loaded(server: LocalServer) -> None:
    [picture] = Replicate.create_completion("flux-schnell", QUESTION)
    assert picture.read()[8:12] == b"WEBP"


@pytest.mark.slow
def test_the_homepage_yields_pieces_to_gpt4free_and_returns_text_to_others(
    server: LocalServer,
) -> None:
    options: dict[str, Any] = {"base_url": server.origin, "polling": Polling(100, 0.02), "seed": 3}
    text = ReplicateHome.create_completion("gemma-2b", QUESTION, **options)
    assert isinstance(text, str)
    pieces = ReplicateHome.create_completion("", QUESTION, stream=False, **options)
    assert "".join(pieces) == text
    assert "".join(ReplicateHome.create_completion("", QUESTION, provider=1, **options)) == text
    assert ReplicateHome.create_completion("gemma-2b", [], "Bees?", **options) == text


def test_a_reply_that_was_stopped_before_its_first_word_is_not_in_the_way(
    server: LocalServer,
) -> None:
    stopped = [*QUESTION, {"role": "assistant", "content": ""}, *QUESTION]
    assert "".join(Replicate.create_completion("", stopped))
    home: dict[str, Any] = {"base_url": server.origin, "polling": Polling(100, 0.02)}
    assert ReplicateHome.create_completion("gemma-2b", stopped, **home)
