"""What a model names is downloaded from public addresses, the API, or allowed hosts: no others."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
from wire import MakeClient, Request, StartWire, response

from replicate_sync import (
    ConnectionFailed,
    InvalidInputError,
    Replicate,
    ReplicateHome,
    ResponseError,
)
from replicate_sync.http import addresses
from replicate_sync.http.addresses import is_public

OUTPUT_SCHEMA = {
    "latest_version": {
        "id": "v1",
        "openapi_schema": {
            "components": {"schemas": {"Output": {"type": "string", "format": "uri"}}}
        },
    }
}


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "104.18.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:53aa:64c:0:fffe:80ff:fffe",
        "168.63.129.16",
        "192.0.0.192",
        "192.88.99.1",
        "3fff::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "a name",
        "",
    ],
)
def test_an_address_of_a_local_network_is_not(address: str) -> None:
    assert not is_public(address)


# -- Over a network --------------------------------------------------------------------------------


class Elsewhere:
    """A model whose output names a file on another server, and that server."""

    def __init__(self, wire: StartWire, client_of: MakeClient) -> None:
        self._client_of = client_of
        self.secret = wire(lambda r: [response(b"secret")])
        self.port = int(self.secret.origin.rpartition(":")[2])
        self.api = wire(self.respond)
        self.output = ""

    def respond(self, request: Request) -> list[bytes]:
        if request.method == "POST":
            ended = {"id": "p", "status": "succeeded", "model": "a/b", "output": self.output}
            return [response(ended, 201)]
        if request.path.startswith("/v1/models/"):
            return [response(OUTPUT_SCHEMA)]
        return [response(b"", 302, Location=self.output)]

    def file(self, output: str, **options: Any) -> Any:
        """Return what a client returns of a model that names this URL."""
        self.output = output
        return self.client(**options).run("a/b")

    def client(self, **options: Any) -> Replicate:
        """Return a client of the model's API."""
        return self._client_of(self.api, **options)


@pytest.fixture
def elsewhere(wire: StartWire, client_of: MakeClient) -> Elsewhere:
    """Return a model, and a server that it may not make the caller read."""
    return Elsewhere(wire, client_of)


def reads(file: Any) -> list[Callable[[], object]]:
    return [file.read, lambda: list(file), file.open]


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
    "user@127.0.0.1",
    "1.1.1.1@127.0.0.1",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_this_machine_is_read(elsewhere: Elsewhere, host: str) -> None:
    file = elsewhere.file(f"http://{host}:{elsewhere.port}/x")
    for read in reads(file):
        with pytest.raises(ConnectionFailed, match="Nothing was read from") as raised:
            read()
        assert not raised.value.maybe_sent
    assert elsewhere.secret.connections == 0


def test_the_error_says_how_to_allow_it(elsewhere: Elsewhere) -> None:
    with pytest.raises(ConnectionFailed) as raised:
        elsewhere.file(f"{elsewhere.secret.origin}/x").read()
    assert str(raised.value) == (
        "Nothing was read from 127.0.0.1: files are downloaded from public addresses and from the "
        "API's own host only (during the download). If models may name files there, pass "
        "file_hosts=['127.0.0.1'] to the client."
    )


def test_what_the_caller_allows_is_read(elsewhere: Elsewhere) -> None:
    url = f"{elsewhere.secret.origin}/x"
    for allowed in (["127.0.0.1"], [f"127.0.0.1:{elsewhere.port}"], ["x", "*"]):
        assert elsewhere.file(url, file_hosts=allowed).read() == b"secret"
    client = elsewhere.client(file_hosts=["127.0.0.1"]).with_options(timeout=4)
    assert client.run("a/b").read() == b"secret"
    for others in (["127.0.0.1:1"], ["localhost"], ["0.0.1"]):
        with pytest.raises(ConnectionFailed, match="Nothing was read"):
            elsewhere.file(url, file_hosts=others).read()
    for client in (Replicate, ReplicateHome):
        for wrong in ("127.0.0.1", [5], None):
            with pytest.raises(InvalidInputError, match="file_hosts is a list of hosts"):
                client(file_hosts=wrong)  # type: ignore[arg-type]


def test_the_apis_own_host_is_read_under_each_name_of_this_machine(
    wire: StartWire, client_of: MakeClient
) -> None:
    def respond(request: Request) -> list[bytes]:
        if request.path.startswith("/file"):
            return [response(b"file")]
        if request.method == "POST":
            output = f"http://{hosts[-1]}:{port}/file.png"
            ended = {"id": "p", "status": "succeeded", "model": "a/b", "output": output}
            return [response(ended, 201)]
        return [response(OUTPUT_SCHEMA)]

    hosts = ["127.0.0.1"]
    server = wire(respond)
    port = server.origin.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost"):
        hosts.append(host)
        assert client_of(server).run("a/b").read() == b"file"


def test_a_redirect_is_held_to_the_same(elsewhere: Elsewhere) -> None:
    file = elsewhere.file(f"{elsewhere.api.origin}/moved")
    elsewhere.output = f"{elsewhere.secret.origin}/x"
    for read in reads(file):
        with pytest.raises(ConnectionFailed, match=r"Nothing was read from 127\.0\.0\.1"):
            read()
    elsewhere.output = "file:///etc/passwd"
    with pytest.raises(ConnectionFailed, match="could not be made"):
        file.read()
    assert elsewhere.secret.connections == 0


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1\\@{home}/x", "http://{home}\\@127.0.0.1/x", "http://127.0.0.1#@{home}/"],
)
def test_no_url_is_the_apis_own_for_one_parser_only(elsewhere: Elsewhere, url: str) -> None:
    home = elsewhere.api.origin.removeprefix("http://")
    path = url.replace("127.0.0.1", f"127.0.0.1:{elsewhere.port}").format(home=home)
    with pytest.raises(ConnectionFailed):
        elsewhere.file(path).read()
    assert elsewhere.secret.connections == 0


def family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Names:
    """Answers of a DNS server: the addresses of a name, in turn; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []
        self._resolve = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.resolve)

    def resolve(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        answers = self.answers.get(host)
        if answers is None:
            return self._resolve(host, port, *args, **options)
        self.asked.append(host)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (family(address), socket.SOCK_STREAM, 6, "", (address, port))
            for address in found.split()
        ]


@pytest.mark.slow
def test_a_name_of_a_local_address_is_not_read(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, inside_example=["127.0.0.1"], mixed_example=["1.1.1.1 127.0.0.1"])
    for name in ("inside.example", "mixed.example"):
        for session in (None, requests.Session()):
            if session is not None and name.startswith("mixed"):
                continue  # it would connect to the public one
            file = elsewhere.file(f"http://{name}:{elsewhere.port}/x", session=session)
            with pytest.raises(ConnectionFailed, match=rf"from {name} \(127.0.0.1\)"):
                file.read()
    # A session of the caller's connects by itself; what it is sent back is not read.
    assert elsewhere.secret.connections <= 1


def test_the_address_that_was_examined_is_connected_to(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch, rebind_example=["127.0.0.1", "127.0.0.9"])
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    file = elsewhere.file(f"http://rebind.example:{elsewhere.port}/x")
    assert file.read() == b"secret"
    assert names.asked == ["rebind.example"]
    assert elsewhere.secret.requests[0].headers["host"] == f"rebind.example:{elsewhere.port}"


@pytest.mark.slow
def test_the_next_address_is_tried_where_one_does_not_respond(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, two_example=["::1 127.0.0.1"], none_example=["::1"])
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    assert elsewhere.file(f"http://two.example:{elsewhere.port}/x").read() == b"secret"
    with pytest.raises(ConnectionFailed, match=r"none.example:.* refused the connection"):
        elsewhere.file(f"http://none.example:{elsewhere.port}/x").read()


def test_a_connection_to_the_api_of_another_client_is_not_used(
    elsewhere: Elsewhere, client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, inside_example=["127.0.0.1"])
    base_url = f"http://inside.example:{elsewhere.port}"
    with pytest.raises(ResponseError):
        Replicate("r8_x", base_url=base_url).account.get()
    assert elsewhere.secret.connections == 1
    with pytest.raises(ConnectionFailed, match="Nothing was read"):
        elsewhere.file(f"{base_url}/x").read()
    assert len(elsewhere.secret.requests) == 1


@pytest.mark.slow
def test_behind_a_proxy_only_what_is_written_in_the_url_is_refused(
    elsewhere: Elsewhere, wire: StartWire
) -> None:
    proxied: list[str] = []

    def proxy(request: Request) -> list[bytes]:
        proxied.append(request.path)
        if "somewhere" in request.path or "somewhere" in request.headers["host"]:
            return [response(b"file")]
        return elsewhere.respond(request)

    url = wire(proxy).origin
    assert elsewhere.file("http://somewhere.example/x", proxy=url).read() == b"file"
    session = requests.Session()
    session.proxies = {"http": url}
    assert elsewhere.file("http://somewhere.example/x", session=session).read() == b"file"
    names = ("localhost", "intranet", "metadata.google.internal", "nas.local.", "x.home.arpa")
    for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", *names):
        with pytest.raises(ConnectionFailed, match="Nothing was read"):
            elsewhere.file(f"http://{host}/secret", proxy=url).read()
    assert not any("secret" in path for path in proxied)


def test_a_pickled_client_keeps_what_it_allows(elsewhere: Elsewhere, client_of: MakeClient) -> None:
    for allowed in (["127.0.0.1"], []):
        client = pickle.loads(pickle.dumps(client_of(elsewhere.api, file_hosts=allowed)))
        elsewhere.output = f"{elsewhere.secret.origin}/x"
        if allowed:
            assert client.run("a/b").read() == b"secret"
        else:
            with pytest.raises(ConnectionFailed, match="Nothing was read"):
                client.run("a/b").read()
