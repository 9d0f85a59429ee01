"""The gateway is for programs of this machine, or for whoever has its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicate_sync import Replicate
from replicate_sync.exceptions import InvalidInputError
from replicate_sync.gateway import GatewaySettings, create_app, serve
from replicate_sync.gateway.settings import read_aliases

from .conftest import OpenGateway


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:5006"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "[::1]:5006"}, 200),
        ({"Host": "localhost:5006", "Origin": "http://localhost:5006"}, 200),
        ({"Host": "localhost:5006", "Authorization": "Bearer any"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost:5006", "Origin": "https://evil.example"}, 403),
        ({"Host": "localhost:5006", "Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost:5006", "Origin": "null"}, 403),
    ],
)
def test_without_a_key_only_programs_of_this_machine_are_served(
    open_gateway: OpenGateway, headers: dict[str, str], status: int
) -> None:
    response = open_gateway().get("/v1/models", headers=headers)
    assert response.status_code == status
    if status != 200:
        assert response.json["error"]["type"] == "permission_error"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer secret", 200),
        ("bearer secret", 200),
        ("Bearer wrong", 401),
        ("Bearer sécret", 401),
        ("secret", 401),
        ("Basic secret", 401),
        ("", 401),
    ],
)
def test_with_a_key_everything_needs_it(
    open_gateway: OpenGateway, authorization: str, status: int
) -> None:
    gateway = open_gateway(host="0.0.0.0", key="secret")
    headers = {"Host": "gateway.example", "Authorization": authorization}
    assert gateway.get("/v1/models", headers=headers).status_code == status
    assert gateway.get("/v1/nothing", headers=headers).status_code == (
        404 if status == 200 else 401
    )


PAGE = "http://localhost:3000"
ASKING = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,x-stainless-os",
    "Access-Control-Request-Private-Network": "true",
}


def test_a_page_of_an_allowed_origin_may_read_responses_and_errors(
    open_gateway: OpenGateway,
) -> None:
    gateway = open_gateway(allowed_origins=[f"{PAGE}/"])
    for response in (
        gateway.get("/v1/models", headers={"Origin": PAGE}),
        gateway.post("/v1/chat/completions", headers={"Origin": PAGE}, json={}),
        gateway.get("/v1/nothing", headers={"Origin": PAGE}),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert "x-should-retry" in response.headers["Access-Control-Expose-Headers"]
        assert response.headers["Vary"] == "Origin"
    assert response.status_code == 404


@pytest.mark.parametrize("key", ["", "secret"])
def test_a_browser_is_told_beforehand_what_it_may_send(open_gateway: OpenGateway, key: str) -> None:
    gateway = open_gateway(allowed_origins=[PAGE], key=key)
    response = gateway.options("/v1/chat/completions", headers=ASKING)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert response.headers["Access-Control-Allow-Headers"] == "authorization,x-stainless-os"
    assert response.headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:3001", "https://localhost:3000", "null"]
)
def test_a_page_of_another_origin_gets_nothing(open_gateway: OpenGateway, origin: str) -> None:
    for settings in ({}, {"allowed_origins": [PAGE]}):
        gateway = open_gateway(**settings)
        for method in ("OPTIONS", "GET"):
            headers = {**ASKING, "Origin": origin}
            response = gateway.open("/v1/models", method=method, headers=headers)
            assert response.status_code == 403
            assert not [name for name, _ in response.headers if name.startswith("Access-")]


def test_an_allowed_page_still_needs_the_key_and_the_gateways_own_name(
    open_gateway: OpenGateway,
) -> None:
    gateway = open_gateway(allowed_origins=["*"], key="secret")
    headers = {"Origin": "https://any.example"}
    assert gateway.get("/v1/models", headers=headers).status_code == 401
    headers["Authorization"] = "Bearer secret"
    assert gateway.get("/v1/models", headers=headers).status_code == 200
    open_to_page = open_gateway(allowed_origins=[PAGE])
    headers = {"Origin": PAGE, "Host": "evil.example"}
    assert open_to_page.get("/v1/models", headers=headers).status_code == 403


@pytest.mark.parametrize("origin", ["*", "localhost:3000", f"{PAGE}/page", "null", ""])
def test_what_is_no_origin_or_all_of_them_without_a_key_is_not_allowed(origin: str) -> None:
    with pytest.raises(InvalidInputError):
        GatewaySettings(allowed_origins=[origin])


def test_beyond_this_machine_a_key_is_needed(client: Replicate) -> None:
    settings = GatewaySettings(host="0.0.0.0")
    with pytest.raises(InvalidInputError, match="Anyone who reaches"):
        serve(create_app(client, settings), settings, 0)


def test_what_is_not_there_is_an_error_of_openais(open_gateway: OpenGateway) -> None:
    gateway = open_gateway()
    response = gateway.post("/v1/responses", json={})
    assert response.status_code == 404
    assert response.json["error"]["message"] == "There is no POST /v1/responses here."
    assert gateway.get("/v1/chat/completions").status_code == 405


def test_models_are_listed_by_their_names_here(open_gateway: OpenGateway) -> None:
    gateway = open_gateway(aliases={"gpt": "openai/gpt-5-mini"})
    names = [model["id"] for model in gateway.get("/v1/models").json["data"]]
    assert names[0] == "gpt"
    assert "meta/meta-llama-3-70b-instruct" in names
    assert gateway.get("/v1/models/gpt").json["id"] == "gpt"
    assert gateway.get("/v1/models/openai/gpt-5").json["owned_by"] == "openai"
    assert gateway.get("/v1/models/nothing").status_code == 404


def test_aliases_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text('gpt = "openai/gpt-5"\n[aliases]\n"gpt-4o" = "openai/gpt-4o"\n')
    assert read_aliases(path) == {"gpt": "openai/gpt-5", "gpt-4o": "openai/gpt-4o"}


@pytest.mark.parametrize("content", ['gpt = "nothing"', "gpt = 5", "gpt", "aliases = 5", b"\xff"])
def test_a_wrong_file_of_aliases_is_an_error(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "models.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidInputError):
        read_aliases(path)
    with pytest.raises(InvalidInputError):
        read_aliases(tmp_path / "missing.toml")
