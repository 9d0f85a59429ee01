"""Where the API is, and which token it takes, are read when they are needed."""

from __future__ import annotations

import pickle
import sys
import types
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec
from typing import Any

import pytest

from replicate_sync.exceptions import InvalidInputError, MissingAuthError
from replicate_sync.http.config import (
    ApiConfig,
    Token,
    origin,
    validate_proxy,
    without_credentials,
)

PUBLIC_URL = "https://api.replicate.com/v1"
TOKEN_PAGE = "https://replicate.com/account/api-tokens"
MISSING_HINT = (
    "Set the environment variable REPLICATE_API_TOKEN, or pass api_key=. Tokens are made at "
    f"{TOKEN_PAGE}; replicate_sync.local() needs none."
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, PUBLIC_URL),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/v1"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1:5000/v1"),
        ("http://127.0.0.1:5000/v1", "http://127.0.0.1:5000/v1"),
        ("http://127.0.0.1:5000/v1/", "http://127.0.0.1:5000/v1"),
        ("https://gateway.example/replicate/v1", "https://gateway.example/replicate/v1"),
        ("https://gateway.example/X/", "https://gateway.example/X"),
        (" https://api.replicate.com \n", PUBLIC_URL),
    ],
)
def test_a_base_url_may_come_with_and_without_its_version(
    given: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ApiConfig(given).url == expected
    if given:
        monkeypatch.setenv("REPLICATE_BASE_URL", given)
        assert ApiConfig(None).url == expected


def test_the_version_is_only_added_for_the_api_itself() -> None:
    config = ApiConfig("http://127.0.0.1:5", default="https://homepage.example", is_open=True)
    assert config.url == "http://127.0.0.1:5"


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ApiConfig(None)
    for port, token in ((1, "one"), (2, "two")):
        monkeypatch.setenv("REPLICATE_BASE_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("REPLICATE_API_TOKEN", token)
        assert config.read() == (f"http://127.0.0.1:{port}/v1", token)


def test_what_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:1")
    assert ApiConfig("http://127.0.0.1:3", "given").read() == ("http://127.0.0.1:3/v1", "given")


def test_what_it_depends_on_are_the_two_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    base_url, token = ApiConfig(None).variables
    assert base_url() is None
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "one")
    assert (base_url(), token()) == ("http://127.0.0.1:1", "one")
    base_url, _ = ApiConfig(None, variable=None).variables
    assert base_url() is None


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", " ")
    assert ApiConfig(None).url == PUBLIC_URL


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "nonsense")
    with pytest.raises(InvalidInputError, match="REPLICATE_BASE_URL is not a URL such as"):
        ApiConfig(None).read()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.replicate.com",
        "ftp://x/v1",
        "http://",
        "http://a:b/v1",
        "http://a:0/v1",
        "http://a/v1?x=1",
        "http://a/v1#x",
        5,
    ],
)
def test_what_is_no_url_is_refused_when_the_client_is_made(url: Any) -> None:
    with pytest.raises(InvalidInputError, match="base_url is not a URL"):
        ApiConfig(url)


@pytest.mark.parametrize("token", [None, "", "  "])
def test_for_a_missing_token_the_variable_and_the_page_are_named(
    token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    with pytest.raises(MissingAuthError) as raised:
        ApiConfig(None, token).read()
    assert raised.value.message == "No API token."
    assert raised.value.hint == MISSING_HINT


@pytest.mark.parametrize("token", ["r8_abc\n", " r8_abc", "r8 abc", "r8_“abc”", "r8_\x7f"])
@pytest.mark.parametrize("source", ["api_key", "REPLICATE_API_TOKEN"])
def test_a_token_that_cannot_be_sent_is_refused_without_being_shown(
    token: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    given = {"api_key": token, "REPLICATE_API_TOKEN": None}[source]
    with pytest.raises(MissingAuthError) as raised:
        ApiConfig(None, given).read()
    assert raised.value.message == (
        f"The token in {source} has a line break, a blank or another character that no token has, "
        "as happens when it is read from a file."
    )
    assert raised.value.hint == f"Use strip() on it, or copy it again from {TOKEN_PAGE}"


def test_a_token_that_is_no_string_is_refused_when_the_client_is_made() -> None:
    with pytest.raises(InvalidInputError, match="api_key must be a string, not bytes"):
        ApiConfig(None, b"r8_abc")  # type: ignore[arg-type]


def test_of_a_token_that_is_no_string_only_the_type_is_kept_however_often_it_is_taken() -> None:
    kept: Any = Token.of(b"hidden")
    assert kept is bytes
    assert Token.of(kept) is bytes


@pytest.mark.parametrize(
    "url", ["https://me:hidden@", "https://a.example/v1?key=hidden", b"https://me:hidden@a.example"]
)
def test_what_is_no_url_is_refused_without_its_secrets(url: Any) -> None:
    with pytest.raises(InvalidInputError) as raised:
        ApiConfig(url)
    assert "hidden" not in str(raised.value)


def test_an_open_api_takes_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    assert ApiConfig(None, is_open=True).read() == (PUBLIC_URL, "")


def test_a_repr_shows_no_token() -> None:
    assert "hidden" not in repr(ApiConfig(None, "hidden"))
    assert repr(Token("hidden")) == "'***'"


@pytest.mark.parametrize(("key", "part"), [(0, "h"), (slice(3), "hid"), (slice(-3, None), "den")])
def test_a_part_of_a_token_is_hidden_as_well(key: Any, part: str) -> None:
    shown = Token("hidden")[key]
    assert shown == part
    assert repr(shown) == "'***'"


def test_a_pickled_token_is_a_text_like_any_other() -> None:
    copy = pickle.loads(pickle.dumps(Token("r8_x")))
    assert type(copy) is str
    assert copy == "r8_x"


def test_what_is_no_string_is_refused_by_its_type() -> None:
    with pytest.raises(InvalidInputError, match=r"base_url is not a URL such as '.*': int$"):
        ApiConfig(5)  # type: ignore[arg-type]


def test_origins_are_compared_by_scheme_host_and_port() -> None:
    assert origin("https://A.example/x") == ("https", "a.example", 443)
    assert origin("https://a.example:443/y") == ("https", "a.example", 443)
    assert origin("http://a.example") == ("http", "a.example", 80)


def test_a_host_in_other_letters_has_one_origin_however_it_is_written() -> None:
    assert origin("https://bücher.example/x") == origin("https://xn--bcher-kva.example")
    assert origin("https://straße.example") == ("https", "xn--strae-oqa.example", 443)
    assert origin("https://" + "ü" * 80 + ".example") is None


@pytest.mark.parametrize(
    "url", ["ftp://me:hunter2@host/v1", "me:hunter2@host", "http://me:hunter2@h@host:x/v1"]
)
def test_a_wrong_base_url_is_quoted_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInputError, match="host") as raised:
        ApiConfig(url)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/v1", "https://host/v1"),
        ("https://me:hidden@host/v1", "https://host/v1"),
        ("https://me:hid@den@host/v1", "https://host/v1"),
        ("https://me:hid//den@host", "https://host"),
        ("me:hidden@host", "host"),
        ("https://host/v1?key=hidden", "https://host/v1?…"),
        ("https://me:hidden@host?a=hidden?b", "https://host?…"),
    ],
)
def test_a_url_is_shown_without_its_user_password_and_query(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


@pytest.mark.parametrize("url", ["/relative", "http://a:x/", "ftp://a/x", "http://[bad/x", 5, None])
def test_what_has_no_origin(url: object) -> None:
    assert origin(url) is None


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("", ""),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("socks5h://127.0.0.1:1080", "socks5h://127.0.0.1:1080"),
    ],
)
def test_a_proxy_is_a_url_or_a_host_and_port(proxy: str, expected: str) -> None:
    assert validate_proxy(proxy) == expected


@pytest.mark.parametrize(
    "proxy", ["not a url", "ftp://x:1", "http://", 5, "http://a:b", "http://a:0", "http://a b:1"]
)
def test_what_is_no_proxy_is_refused(proxy: Any) -> None:
    with pytest.raises(InvalidInputError) as raised:
        validate_proxy(proxy)
    assert raised.value.message == (
        "proxy is not a URL such as 'http://127.0.0.1:8080'; pass one, or leave it out."
    )


class Colab:
    """Google Colab's store of secrets, which refuses the first call."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def get(self, name: str) -> str:
        self.names.append(name)
        if len(self.names) == 1:
            raise LookupError("SecretNotFoundError")
        return "r8_of_colab"


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> Colab:
    """Return the store of secrets of the Google Colab that this process seems to run in."""
    secrets = Colab()
    userdata = types.ModuleType("google.colab.userdata")
    userdata.get = secrets.get  # type: ignore[attr-defined]
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    return secrets


@pytest.fixture
def new_config(colab: Colab) -> Callable[..., ApiConfig]:
    """Return the class of a process that has just started: the secret is read once in each."""
    spec = find_spec("replicate_sync.http.config")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    make: Callable[..., ApiConfig] = module.ApiConfig
    return make


def test_in_colab_the_token_is_read_once_from_the_store_of_secrets(
    colab: Colab, new_config: Callable[..., ApiConfig]
) -> None:
    with pytest.raises(MissingAuthError) as raised:
        new_config(None).read()
    assert raised.value.hint == (
        f"{MISSING_HINT} In Colab, a secret of that name works as well (the key on the left), if "
        "this notebook has access to it."
    )
    assert new_config(None).read()[1] == "r8_of_colab"
    assert new_config(None).read()[1] == "r8_of_colab"
    assert colab.names == ["REPLICATE_API_TOKEN"] * 2


def test_what_is_given_or_set_wins_over_colabs_secrets(
    colab: Colab, new_config: Callable[..., ApiConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert new_config(None, "given").read()[1] == "given"
    monkeypatch.setenv("REPLICATE_API_TOKEN", "set")
    assert new_config(None).read()[1] == "set"
    assert colab.names == []
