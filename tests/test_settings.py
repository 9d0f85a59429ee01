"""Where the API is and which token opens it are read when they are needed."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from replicate_sync import settings
from replicate_sync.errors import InvalidInputError, MissingAuthError
from replicate_sync.settings import Access, origin


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "https://api.replicate.com/v1"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/v1"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1:5000/v1"),
        ("http://127.0.0.1:5000/v1", "http://127.0.0.1:5000/v1"),
        ("http://127.0.0.1:5000/v1/", "http://127.0.0.1:5000/v1"),
        ("https://gateway.example/replicate/v1", "https://gateway.example/replicate/v1"),
        (" https://api.replicate.com \n", "https://api.replicate.com/v1"),
    ],
)
def test_a_base_url_may_come_with_and_without_its_version(
    given: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Access(given).url == expected
    if given:
        monkeypatch.setenv("REPLICATE_BASE_URL", given)
        assert Access(None).url == expected


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(None)
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "one")
    assert access.read() == ("http://127.0.0.1:1/v1", "one")
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:2")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "two")
    assert access.read() == ("http://127.0.0.1:2/v1", "two")


def test_what_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:1")
    assert Access("http://127.0.0.1:3", "given").read() == ("http://127.0.0.1:3/v1", "given")


@pytest.mark.parametrize("url", ["", "api.replicate.com", "ftp://x/v1", "http://", "http://a:b/v1", "http://a/v1?x=1", 5])
def test_what_is_no_url_is_refused_when_the_client_is_made(url: str) -> None:
    with pytest.raises(InvalidInputError, match="base_url"):
        Access(url)


@pytest.mark.parametrize("token", [None, "", "  "])
def test_a_missing_token_names_the_variable_and_the_page(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    with pytest.raises(MissingAuthError, match=r"REPLICATE_API_TOKEN.*https://replicate.com/account/api-tokens"):
        Access(None, token).read()


@pytest.mark.parametrize("token", ["r8_abc\n", " r8_abc", "r8 abc", "r8_“abc”", "r8_\x00"])
def test_a_token_with_a_line_break_or_a_blank_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(MissingAuthError, match=r"strip\(\)") as raised:
        Access(None, token).read()
    assert "r8" not in str(raised.value)


def test_a_token_does_not_show() -> None:
    assert "hidden" not in repr(Access(None, "hidden"))


def test_origins_are_compared_by_scheme_host_and_port() -> None:
    assert origin("https://A.example/x") == origin("https://a.example:443/y") == ("https", "a.example", 443)
    assert origin("http://a.example") != origin("https://a.example")
    assert origin("/relative") is None
    assert origin("http://a:x/") is None


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Google Colab, as far as a program sees it; a list of the secrets' names that were asked for."""
    asked: list[str] = []
    userdata = types.ModuleType("google.colab.userdata")

    def get(name: str) -> str:
        asked.append(name)
        if len(asked) == 1:
            raise LookupError("SecretNotFoundError")
        return "r8_of_colab"

    userdata.get = get  # type: ignore[attr-defined]
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    settings._asked_of_colab.cache_clear()
    yield asked
    settings._asked_of_colab.cache_clear()


def test_in_colab_the_secret_store_is_looked_at_and_asked_once(colab: list[str]) -> None:
    with pytest.raises(MissingAuthError, match=r"In Colab, a secret of that name does as well"):
        Access(None).read()
    assert Access(None).read()[1] == Access(None).read()[1] == "r8_of_colab"
    assert colab == ["REPLICATE_API_TOKEN"] * 2


def test_what_is_given_or_set_wins_over_colabs_secrets(colab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert Access(None, "given").read()[1] == "given"
    monkeypatch.setenv("REPLICATE_API_TOKEN", "set")
    assert Access(None).read()[1] == "set"
    assert colab == []
