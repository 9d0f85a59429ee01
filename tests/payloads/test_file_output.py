"""A file that a model made comes out whole, under its name or not at all, and displays itself."""

from __future__ import annotations

import base64
import io
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_downloader import FakeDownloader
from PIL import Image
from wire import CUT, END, Request, Wire

from replicate_sync import FileOutput, ImageOutput
from replicate_sync.exceptions import ConnectionFailed, ReplicateError, ResponseError
from replicate_sync.http.addresses import FileHosts
from replicate_sync.http.config import ApiConfig
from replicate_sync.http.download import Downloader
from replicate_sync.http.sessions import Sessions

Start = Callable[[Callable[[Request], Any]], Wire]

FILE = "https://replicate.delivery/pbxt/abc/out-0.png"
DATA = bytes(range(256)) * 4096
GONE = ConnectionFailed("it is gone")


def png() -> bytes:
    """Return a small picture."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(file, "PNG")
    return file.getvalue()


# -- Reading and saving --------------------------------------------------------------------------


def test_a_file_is_fetched_once_and_its_repr_fetches_nothing() -> None:
    downloader = FakeDownloader(b"ab", b"c")
    file = FileOutput(FILE, downloader)
    assert repr(file) == f"FileOutput({FILE!r})"
    assert str(file) == FILE
    assert file.name == "out-0.png"
    assert file.mime_type == "image/png"
    assert downloader.fetched == []
    assert file.read() == b"abc"
    assert file.read() == b"abc"
    assert b"".join(file.iter_bytes()) == b"abc"
    assert downloader.fetched == [FILE]
    assert downloader.downloaded == []


def test_files_are_equal_where_their_urls_are() -> None:
    downloader = FakeDownloader()
    file = FileOutput(FILE, downloader)
    assert file == ImageOutput(FILE, "a cat", downloader)
    assert len({file, FileOutput(FILE, FakeDownloader())}) == 1
    assert file != FileOutput(FILE + "x", downloader)
    assert file != FILE


def test_the_repr_of_a_long_url_is_short() -> None:
    downloader = FakeDownloader()
    exact = FileOutput("https://x.example/".ljust(200, "a"), downloader)
    assert repr(exact) == f"FileOutput({exact.url!r})"
    long = FileOutput("data:image/png;base64,".ljust(201, "A"), downloader)
    assert repr(long) == f"FileOutput('{long.url[:60]}… (201 characters)')"


def test_pieces_are_yielded_as_they_are_downloaded() -> None:
    downloader = FakeDownloader(b"ab", b"c")
    file = FileOutput(FILE, downloader)
    assert list(file.iter_bytes()) == [b"ab", b"c"]
    assert list(file.iter_bytes()) == [b"ab", b"c"]
    assert downloader.downloaded == [FILE, FILE]


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("data:text/plain;base64,aGk=", b"hi"),
        ("data:text/plain;base64,aG%20k%3D", b"hi"),
        ("data:text/plain;base64,aG\nk=", b"hi"),
        ("data:,a%20b", b"a b"),
        ("data:text/plain,a,b", b"a,b"),
    ],
)
def test_a_data_uri_is_read_without_a_network(uri: str, content: bytes) -> None:
    file = FileOutput(uri, FakeDownloader(error=GONE))
    assert list(file.iter_bytes()) == [content]
    assert file.read() == content


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("data:image/png;base64", "it has no comma$"),
        ("data:image/png;base64,@@@@@", ""),
        ("data:image/png;base64,A", ""),
    ],
)
def test_a_broken_data_uri_is_an_error_that_is_no_response(uri: str, reason: str) -> None:
    with pytest.raises(ReplicateError, match=f"data URI that cannot be parsed: {reason}") as raised:
        FileOutput(uri, FakeDownloader()).read()
    assert type(raised.value) is ReplicateError


@pytest.mark.parametrize(
    ("url", "name", "mime_type"),
    [
        ("https://x.example/a/b.wav?x=1.png", "b.wav", "audio/wav"),
        ("https://x.example/B.WEBP", "B.WEBP", "image/webp"),
        ("https://x.example/b%C3%BCcher.mp3", "bücher.mp3", "audio/mpeg"),
        ("https://x.example/.hidden.png", "hidden.png", "image/png"),
        ("https://x.example/none", "none", "application/octet-stream"),
        ("https://x.example/", "stem", "application/octet-stream"),
        ("https://[", "stem", "application/octet-stream"),
        ("data:image/png;base64,AAAA", "stem.png", "image/png"),
        ("data:audio/ogg;base64,AAAA", "stem.ogg", "audio/ogg"),
        ("data:image/webp,x", "stem.webp", "image/webp"),
        ("data:x/unknown,x", "stem", "x/unknown"),
        ("data:,x", "stem.txt", "text/plain"),
        ("data:;base64,eA==", "stem.txt", "text/plain"),
    ],
)
def test_name_and_type_are_known_by_the_url(url: str, name: str, mime_type: str) -> None:
    file = FileOutput(url, FakeDownloader(), "stem")
    assert file.name == name
    assert file.mime_type == mime_type


def test_a_file_without_a_name_has_a_stem() -> None:
    assert FileOutput("https://x.example/", FakeDownloader()).name == "output"
    assert ImageOutput("data:image/png,x", "a cat", FakeDownloader()).name == "output.png"


def test_a_picture_knows_its_prompt() -> None:
    picture = ImageOutput(FILE, "a cat", FakeDownloader(b"x"))
    assert picture.prompt == "a cat"
    assert picture.read() == b"x"
    assert repr(picture) == f"ImageOutput({FILE!r})"


def test_saving_writes_the_whole_file_under_its_name_or_none(tmp_path: Path) -> None:
    file = FileOutput(FILE, FakeDownloader(b"ab", b"c"))
    assert file.save(tmp_path) == tmp_path / "out-0.png"
    assert file.save(tmp_path / "cat.png").read_bytes() == b"abc"
    assert file.save(str(tmp_path / "cat.png")).read_bytes() == b"abc"
    with pytest.raises(ConnectionFailed):
        FileOutput(FILE, FakeDownloader(b"ab", error=GONE)).save(tmp_path / "other.png")
    assert sorted(os.listdir(tmp_path)) == ["cat.png", "out-0.png"]


def test_a_file_that_is_being_saved_is_hidden_beside_its_place(tmp_path: Path) -> None:
    seen: list[str] = []

    class Downloader(FakeDownloader):
        def download(self, url: str, **options: Any) -> Iterator[bytes]:
            yield b"a"
            seen.extend(os.listdir(tmp_path))

    FileOutput(FILE, Downloader()).save(tmp_path / "cat.png")
    assert len(seen) == 1
    assert seen[0].startswith(".")
    assert len(seen[0]) < 20


def test_a_saved_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("x")
    saved = FileOutput(FILE, FakeDownloader(b"x")).save(tmp_path / "saved")
    assert saved.stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    "url",
    [
        "https://replicate.delivery/..",
        "https://replicate.delivery/%2e%2e%2f%2e%2e%2fx",
        "https://replicate.delivery/",
    ],
)
def test_a_url_cannot_choose_a_place_outside_the_folder(tmp_path: Path, url: str) -> None:
    saved = FileOutput(url, FakeDownloader(b"a")).save(tmp_path)
    assert saved.resolve().parent == tmp_path.resolve()


def test_a_file_is_opened_and_sought_in() -> None:
    with FileOutput(FILE, FakeDownloader(b"abc", b"def")).open() as opened:
        assert opened.read(2) == b"ab"
        opened.seek(4)
        assert opened.read() == b"ef"


def test_a_picture_is_an_object_of_pillow() -> None:
    assert FileOutput(FILE, FakeDownloader(png())).image().size == (4, 4)


def test_what_to_install_is_said_where_pillow_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    message = "^Pictures as objects need Pillow: pip install Pillow$"
    with pytest.raises(ImportError, match=message):
        FileOutput(FILE, FakeDownloader()).image()


# -- Progress ------------------------------------------------------------------------------------


def test_the_bytes_of_a_long_file_are_displayed_where_that_is_asked_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pieces = [b"x" * 2**20] * 6
    file = FileOutput(FILE, FakeDownloader(*pieces))
    assert len(b"".join(file.iter_bytes())) == 6 * 2**20
    assert capfd.readouterr().err == ""
    assert len(file.read(progress=True)) == 6 * 2**20
    shown = capfd.readouterr().err
    assert "out-0.png" in shown
    assert "6.00M/6.00M" in shown


def test_progress_is_displayed_while_a_file_is_saved(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = FileOutput(FILE, FakeDownloader(*[b"x" * 2**20] * 6))
    file.save(tmp_path / "x")
    assert capfd.readouterr().err == ""
    file.save(tmp_path / "x", progress=True)
    assert "6.00M/6.00M" in capfd.readouterr().err


def test_progress_without_tqdm_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    file = FileOutput(FILE, FakeDownloader(b"x"))
    with pytest.raises(ImportError, match="pip install tqdm"):
        file.read(progress=True)
    assert file.read() == b"x"


# -- In a notebook -------------------------------------------------------------------------------


def html(url: str, downloader: FakeDownloader, max_size: int = 3) -> tuple[str, int]:
    return FileOutput(url, downloader).to_html(max_size)


def test_a_picture_is_displayed_with_its_content_in_the_html() -> None:
    downloader = FakeDownloader(b"ab", b"c")
    shown, size = html(FILE, downloader)
    assert 'src="data:image/png;base64,YWJj"' in shown
    assert 'alt="out-0.png"' in shown
    assert size == 3


@pytest.mark.parametrize(("suffix", "tag"), [("mp3", "<audio"), ("mp4", "<video")])
def test_sound_and_video_have_a_player(suffix: str, tag: str) -> None:
    shown, size = html(f"https://x.example/a.{suffix}", FakeDownloader(b"ab"))
    assert shown.startswith(tag)
    assert size == 2


def test_a_longer_file_is_displayed_from_its_url() -> None:
    shown, size = html(FILE, FakeDownloader(b"ab", b"cd", error=GONE))  # never reached
    assert f'src="{FILE}"' in shown
    assert size == 0
    file = FileOutput(FILE, FakeDownloader(b"abcd"))
    file.read()
    assert file.to_html(3)[1] == 0
    assert file.to_html(4)[1] == 4


def test_another_file_is_a_link_and_is_not_downloaded() -> None:
    downloader = FakeDownloader(error=GONE)
    shown, size = html("https://x.example/a.csv", downloader)
    assert shown == '<a href="https://x.example/a.csv" download="a.csv">a.csv</a>'
    assert size == 0
    assert downloader.downloaded == []


def test_a_file_that_is_gone_is_a_sentence() -> None:
    shown, size = html(FILE, FakeDownloader(error=GONE))
    assert shown == "<em>out-0.png cannot be shown. it is gone</em>"
    assert size == 0


def test_a_file_is_downloaded_once_however_often_it_is_displayed() -> None:
    downloader = FakeDownloader(b"abc")
    file = FileOutput(FILE, downloader)
    first = file.to_html(3)
    assert file.to_html(3) == first
    assert file.read() == b"abc"
    assert len(downloader.downloaded) == 1
    assert downloader.fetched == []


def mimebundle(file: FileOutput) -> Any:
    """Return what a notebook displays, without the plain text, which is the repr."""
    bundle = file._repr_mimebundle_()
    assert bundle.pop("text/plain") == repr(file)
    return bundle


def test_a_notebook_is_given_the_picture_itself() -> None:
    file = FileOutput(FILE, FakeDownloader(b"abc"))
    assert mimebundle(file) == {"image/png": base64.b64encode(b"abc").decode()}


@pytest.mark.parametrize(
    ("url", "pieces"),
    [
        ("https://x.example/a.webp", [b"abc"]),
        ("https://x.example/a.mp3", [b"abc"]),
        ("https://x.example/a.csv", [b"abc"]),
        (FILE, []),
        (FILE, [b"x" * 2**20] * 33),
    ],
)
def test_a_notebook_is_given_html_for_anything_else(url: str, pieces: list[bytes]) -> None:
    file = FileOutput(url, FakeDownloader(*pieces))
    assert mimebundle(file) == {"text/html": file.to_html(32 * 2**20)[0]}


def test_a_notebook_is_given_a_sentence_for_a_file_that_is_gone() -> None:
    downloader = FakeDownloader(error=GONE)
    shown = mimebundle(FileOutput(FILE, downloader))
    assert shown == {"text/html": "<em>out-0.png cannot be shown. it is gone</em>"}
    assert len(downloader.downloaded) == 1


def test_a_terminal_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    formatter = SimpleNamespace(active_types=["text/plain"])
    shell = SimpleNamespace(display_formatter=formatter)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    downloader = FakeDownloader(error=GONE)
    assert mimebundle(FileOutput(FILE, downloader)) == {}
    assert downloader.downloaded == []


# -- Over a network ------------------------------------------------------------------------------


def served(
    data: bytes,
    *,
    cut_at: tuple[int, ...] = (),
    ranges: bool = True,
    tags: Iterator[str] | None = None,
) -> Callable[[Request], list[Any]]:
    """Serve a file; each connection but the last is cut at the next of `cut_at`."""
    cuts = list(cut_at)

    def reply(request: Request) -> list[Any]:
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if ranges else 0
        tag = next(tags) if tags else "e"
        head = f"HTTP/1.1 {206 if start else 200} X\r\nETag: {tag}\r\n"
        head += f"Content-Length: {len(data) - start}\r\n"
        if start:
            head += f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}\r\n"
        head += "\r\n"
        if cuts:
            end = CUT if len(cuts) % 2 == 0 else END
            return [head.encode() + data[start : cuts.pop(0)], 0.05, end]
        return [head.encode() + data[start:]]

    return reply


def output(server: Wire) -> FileOutput:
    hosts = FileHosts(ApiConfig(server.url))
    downloader = Downloader(Sessions(proxy="", timeout=5, session=None), hosts)
    return FileOutput(f"{server.origin}/out.bin", downloader)


@pytest.mark.slow
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("cuts", [(), (0,), (1,), (300_000,), (10, 700_000, 1_000_000)])
def test_a_download_that_is_cut_goes_on_where_it_was(
    wire: Start, tmp_path: Path, cuts: tuple[int, ...], ranges: bool
) -> None:
    server = wire(served(DATA, cut_at=cuts, ranges=ranges))
    assert output(server).read() == DATA
    server = wire(served(DATA, cut_at=cuts, ranges=ranges))
    assert output(server).save(tmp_path / "x").read_bytes() == DATA
    assert all("authorization" not in request.headers for request in server.requests)


def test_a_file_that_changed_meanwhile_is_not_patched_together(wire: Start) -> None:
    server = wire(served(DATA, cut_at=(1000,), tags=iter("ab")))
    with pytest.raises(ResponseError, match="the same file as before the cut"):
        list(output(server).iter_bytes())


def test_a_download_that_gets_nowhere_ends(wire: Start) -> None:
    server = wire(lambda request: [CUT])
    with pytest.raises(ConnectionFailed):
        output(server).read()
    assert len(server.requests) <= 5


@pytest.mark.slow
def test_a_large_download_takes_little_memory(wire: Start, tmp_path: Path) -> None:
    piece = b"x" * 2**20
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (50 * 2**20)
    server = wire(lambda request: [head, *[piece] * 50])
    file = output(server)
    tracemalloc.start()
    try:
        assert file.save(tmp_path / "x").stat().st_size == 50 * 2**20
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


# -- As a value ------------------------------------------------------------------------------------

INLINE = "data:image/png;base64," + base64.b64encode(png() * 100).decode()


def test_a_file_whose_content_is_in_its_url_has_a_short_text() -> None:
    picture = FileOutput(INLINE, FakeDownloader(), "out-0")
    assert str(picture) == f"{picture}" == "out-0.png"
    assert len(repr(picture)) < 120
    assert picture.url == INLINE


def test_iterating_a_file_yields_its_content_in_pieces() -> None:
    assert list(FileOutput(FILE, FakeDownloader(b"ab", b"c"))) == [b"ab", b"c"]
    assert b"".join(FileOutput(INLINE, FakeDownloader())) == png() * 100
