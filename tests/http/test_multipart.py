"""A form with a file is serialized while it is sent, to the byte."""

from __future__ import annotations

import io
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest
from wire import MakeClient, StartWire, response

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.http.multipart import Form


def parse(form: Form, body: bytes) -> dict[str, Any]:
    """Return the parts of a body by name, as a mail parser reads them."""
    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    return {part.get_param("name", header="content-disposition"): part for part in message.walk() if part.get("content-disposition")}  # fmt: skip


def make_form(content: bytes, name: str = "a.png", **options: Any) -> Form:
    return Form(io.BytesIO(content), len(content), name, "image/png", {"k": "v"}, **options)


@pytest.mark.parametrize("content", [b"", b"x", b"\r\n--\r\n" * 9, bytes(range(256)) * 1000])
def test_the_form_has_the_file_and_its_metadata(content: bytes) -> None:
    form = make_form(content)
    body = b"".join(form)
    assert len(body) == len(form)
    parts = parse(form, body)
    assert parts["content"].get_payload(decode=True) == content
    assert parts["content"].get_content_type() == "image/png"
    assert parts["content"].get_filename() == "a.png"
    assert parts["metadata"].get_payload(decode=True) == b'{"k":"v"}'
    assert parts["metadata"].get_content_type() == "application/json"


@pytest.mark.parametrize("size", [1, 7, 100, -1, None])
def test_it_is_read_in_pieces_of_any_size(size: Any) -> None:
    form = make_form(b"0123456789" * 50)
    whole = b"".join(make_form(b"0123456789" * 50))
    body = b""
    while piece := form.read(size):
        body += piece
    assert len(body) == len(whole) == form.tell()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("a.png", b'filename="a.png"\r\n'),
        ('a"b\r\n.png', b"filename=\"a_b__.png\"; filename*=UTF-8''a%22b%0D%0A.png\r\n"),
        ("é/X.png", b"filename=\"?/X.png\"; filename*=UTF-8''%C3%A9%2FX.png\r\n"),
        ("é.png", b"filename=\"?.png\"; filename*=UTF-8''%C3%A9.png\r\n"),
    ],
)
def test_any_name_is_sent_and_none_ends_the_header(name: str, parameters: bytes) -> None:
    assert b'name="content"; ' + parameters in b"".join(make_form(b"", name))


def test_no_two_forms_have_the_same_boundary() -> None:
    forms = [make_form(b"") for _ in range(2)]
    boundaries = {form.content_type.partition("boundary=")[2] for form in forms}
    assert len(boundaries) == 2
    assert {len(boundary) for boundary in boundaries} == {32}


def test_it_can_be_read_again_from_its_beginning() -> None:
    form = make_form(b"content")
    once = b"".join(form)
    form.seek(0)
    assert form.tell() == 0
    assert b"".join(form) == once
    assert form.read(0) == b""


def test_it_is_read_in_pieces_and_never_as_a_whole() -> None:
    assert max(map(len, make_form(b"x" * 1_000_000))) == 65536


def test_each_piece_is_reported() -> None:
    moved: list[tuple[int, int | None]] = []
    form = make_form(b"x" * 100_000, on_bytes=lambda sent, total: moved.append((sent, total)))
    body = b"".join(form)
    assert {total for _, total in moved} == {len(body)}
    positions = [sent for sent, _ in moved]
    assert positions == sorted(positions)
    assert positions[-1] == len(body)


def test_a_file_that_becomes_shorter_is_an_error() -> None:
    form = Form(io.BytesIO(b"abc"), 5, "a", "text/plain", {})
    with pytest.raises(InvalidInputError, match="'a' became shorter while it was sent"):
        b"".join(form)


@pytest.mark.parametrize("change", ["shorter", "closed"])
def test_a_file_that_cannot_be_sent_whole_is_no_lost_connection_and_sent_once(
    change: str, wire: StartWire, client_of: MakeClient
) -> None:
    class Changing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            if self.reads < 4:
                return super().read(size)
            if change == "shorter":
                return b""
            raise OSError("it is gone")

    server = wire(lambda request: [response({}, 201)])
    with pytest.raises(InvalidInputError, match=r"'file\.bin' (became shorter|cannot be read)"):
        client_of(server).files.create(Changing(b"x" * 1_000_000))
    assert len(server.requests) <= 1


def test_a_file_that_becomes_longer_is_sent_as_long_as_it_was() -> None:
    form = Form(io.BytesIO(b"abcdef"), 3, "a", "text/plain", {})
    assert parse(form, b"".join(form))["content"].get_payload(decode=True) == b"abc"


def test_a_retried_upload_is_sent_from_its_beginning(
    wire: StartWire, client_of: MakeClient
) -> None:
    created = {"id": "f", "name": "a", "urls": {"get": "https://x/y"}}
    server = wire(
        lambda r: [response({}, 429) if len(server.requests) == 1 else response(created, 201)]
    )
    client_of(server).files.create(b"content")
    first, second = server.requests
    boundary = first.headers["content-type"].partition("boundary=")[2].encode()
    assert second.headers["content-type"].endswith(boundary.decode())
    assert first.body == second.body
    assert b"content" in first.body
