"""A file reaches a model whole, small ones in the input and large ones as an upload."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, response

from replicate_sync import File, InvalidInputError, NotFoundError, Replicate
from replicate_sync.offline import LocalReplicate
from replicate_sync.payloads.upload import MAX_INLINE_SIZE


@pytest.mark.parametrize("size", [0, 1, MAX_INLINE_SIZE, MAX_INLINE_SIZE + 1, 3_000_000])
def test_a_file_reaches_a_model_whole_whichever_way_it_goes(
    local: LocalReplicate, local_client: Replicate, tmp_path: Path, size: int
) -> None:
    @local.server.model("me/size")
    def measure(file: Path) -> str:
        return f"{file.suffix} {file.stat().st_size}"

    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * size)
    assert local_client.run("me/size", {"file": path}) == f".txt {size}"


def test_an_uploaded_file_is_kept_listed_and_deleted(local_client: Replicate) -> None:
    files = local_client.files
    uploaded = files.create(io.BytesIO(b"hello"), metadata={"from": "a test"})
    file_id = str(uploaded.id)
    fetched = files.get(file_id)
    assert (fetched.size, fetched.metadata["from"], fetched.url) == (5, "a test", uploaded.url)
    assert file_id in [file.id for file in files.list()]
    files.delete(file_id)
    with pytest.raises(NotFoundError, match="File not found"):
        files.get(file_id)


def test_an_uploaded_file_is_an_input(local: LocalReplicate, local_client: Replicate) -> None:
    @local.server.model("me/read")
    def read(file: Path) -> str:
        return file.read_text()

    uploaded = local_client.files.create(b"hello")
    assert local_client.run("me/read", {"file": uploaded}) == "hello"


@pytest.mark.parametrize("content", [5, None, ["x"]])
def test_what_is_no_file_is_refused(content: object) -> None:
    with pytest.raises(InvalidInputError, match="A file is a path, an open binary file"):
        Replicate("r8_x").files.create(content)


def test_the_name_of_a_file_is_refused_with_what_to_pass() -> None:
    with pytest.raises(InvalidInputError, match=r"not str\. Pass Path\('cat.png'\)"):
        Replicate("r8_x").files.create("cat.png")


def test_metadata_that_json_cannot_express_is_named_before_anything_is_sent(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda request: [response({"id": "f1"}, 201)])
    deep: dict[str, object] = {}
    deep["a"] = deep
    for metadata, says in [
        (
            {"a": {"b": {1, 2}}},
            r"The metadata 'a\.b' cannot be sent as JSON: it is of the type set",
        ),
        ({"a": float("nan")}, "The metadata 'a' cannot be sent as JSON: it is nan"),
        ([1], "metadata is a dict, not list"),
        ({"a": {1: "x", "1": "y"}}, "'metadata.a' has the keys 1 and '1'"),
        (deep, "metadata is nested too deep, or holds itself"),
    ]:
        with pytest.raises(InvalidInputError, match=says):
            client_of(server).files.create(b"x", metadata=metadata)  # type: ignore[arg-type]
    assert server.requests == []


def test_a_large_file_that_is_in_an_input_twice_is_uploaded_once(
    wire: StartWire, client_of: MakeClient
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.path == "/v1/files":
            return [response({"id": "f1", "urls": {"get": "https://files.example/f1"}}, 201)]
        return [response({"id": "p1", "status": "succeeded", "output": 1}, 201)]

    server = wire(reply)
    large = io.BytesIO(b"x" * (MAX_INLINE_SIZE + 1))
    assert client_of(server).run("a/b", {"first": large, "further": [large]}) == 1
    upload, create = server.requests
    assert upload.path == "/v1/files"
    assert b"x" * (MAX_INLINE_SIZE + 1) in upload.body
    url = "https://files.example/f1"
    assert create.json["input"] == {"first": url, "further": [url]}


@pytest.mark.parametrize("urls", [None, {}, ["x"]])
def test_a_file_without_urls_has_no_url(urls: Any) -> None:
    assert File.from_json({"id": "f1", "urls": urls}).url is None


def test_a_progress_bar_counts_the_bytes_of_an_upload(
    wire: StartWire, client_of: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    server = wire(lambda request: [response({"id": "f1"}, 201)])
    client_of(server).files.create(bytes(6 * 2**20), progress=True)
    assert "100%" in capsys.readouterr().err
