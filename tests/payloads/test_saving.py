"""A saved file is whole or not there, takes no other's place in a folder, and has a fit name."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_downloader import FakeDownloader
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync import FileOutput, InvalidInputError
from replicate_sync.payloads.file_names import clean_name, numbered_name
from replicate_sync.payloads.saving import write_whole

FILE = "https://replicate.delivery/pbxt/abc/out-0.png"


def file(url: str = FILE, *pieces: bytes) -> FileOutput:
    return FileOutput(url, FakeDownloader(*(pieces or (b"abc",))))


def test_in_a_folder_no_file_takes_the_place_of_another(tmp_path: Path) -> None:
    names = [file(FILE, content).save(tmp_path).name for content in (b"a", b"b", b"c")]
    assert names == ["out-0.png", "out-0-1.png", "out-0-2.png"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"a", b"b", b"c"]


def test_threads_that_save_the_same_name_get_a_name_each(tmp_path: Path) -> None:
    def save(number: int) -> None:
        file(FILE, str(number).encode()).save(tmp_path)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = sorted(int(path.read_text()) for path in tmp_path.iterdir())
    assert saved == list(range(12))


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_nor_on_a_file_system_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def link(*paths: object) -> None:
        raise OSError(code, "no links here")

    monkeypatch.setattr(os, "link", link, raising=False)
    names = [file(FILE, content).save(tmp_path).name for content in (b"a", b"b")]
    assert names == ["out-0.png", "out-0-1.png"]
    assert (tmp_path / "out-0.png").read_bytes() == b"a"
    assert len(os.listdir(tmp_path)) == 2


def test_the_path_of_a_file_is_written_anew(tmp_path: Path) -> None:
    for content in (b"a", b"b"):
        assert file(FILE, content).save(tmp_path / "cat.png").read_bytes() == content
    assert os.listdir(tmp_path) == ["cat.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert file(FILE, b"a", b"b").save(path) == path
        assert os.read(reading, 10) == b"ab"
        assert path.is_fifo()
    finally:
        os.close(reading)


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
def test_a_file_that_is_written_anew_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "private.png"
    path.touch(0o600)
    file().save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed_as_open_does(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "old.bin").write_bytes(b"old")
    (shared / "old.bin").chmod(0o640)
    for link, place in (("link.bin", "old.bin"), ("dangling.bin", "new.bin")):
        (tmp_path / link).symlink_to(Path("shared", place))
        assert file().save(tmp_path / link) == tmp_path / link
        assert (tmp_path / link).is_symlink()
        assert (shared / place).read_bytes() == b"abc"
    assert (shared / "old.bin").stat().st_mode & 0o777 == 0o640
    assert sorted(file.name for file in shared.iterdir()) == ["new.bin", "old.bin"]


@pytest.mark.skipif(
    sys.platform == "emscripten", reason="a new file is made there where such a link leads"
)
def test_in_a_folder_a_link_keeps_its_place_also_one_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out-0.png").symlink_to("nowhere")
    saved = file().save(tmp_path)
    assert saved.name != "out-0.png"
    assert not (tmp_path / "nowhere").exists()


def test_a_link_that_leads_to_itself_or_where_nothing_can_be_is_an_error(tmp_path: Path) -> None:
    for target in ("loop.bin", "missing/file.bin"):
        link = tmp_path / "loop.bin"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(OSError, match=r"loop\.bin|missing") as raised:
            file().save(link)
        assert ".part" not in str(raised.value)
        assert "None" not in str(raised.value)
        assert link.is_symlink()


def test_what_ends_with_a_slash_is_a_folder_and_is_made_with_its_parents(tmp_path: Path) -> None:
    assert file().save(f"{tmp_path}/a/b/") == tmp_path / "a/b/out-0.png"
    assert file().save(f"{tmp_path}/c/d/cat.png") == tmp_path / "c/d/cat.png"


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert file().save("~/cat.png") == tmp_path / "cat.png"
    assert file().save(Path("~/pictures/")) == tmp_path / "pictures"
    assert file().save("~/more/") == tmp_path / "more/out-0.png"


@pytest.mark.parametrize("length", [240, 250, 255, 400])
def test_a_file_with_a_long_name_is_saved(tmp_path: Path, length: int) -> None:
    name = "é" * ((length - 4) // 2) + ".png"
    for _ in range(2):
        saved = file(f"https://x.example/{name}").save(tmp_path)
        assert saved.suffix == ".png"
        assert saved.read_bytes() == b"abc"
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("a%00b.png", "a_b.png"),
        ("..%5C..%5Ca.png", "_.._a.png"),
        ("%1b%5D52;c;x%07.png", "_]52;c;x_.png"),
        ("a%0Ab.png", "a_b.png"),
        ("%E2%80%AEgnp.exe", "_gnp.exe"),
        ("%20a.png%20", "a.png"),
        ("%ff.png", "\ufffd.png"),
    ],
)
def test_a_name_is_cleaned(tmp_path: Path, name: str, cleaned: str) -> None:
    output = file(f"https://x.example/{name}")
    assert output.name == cleaned
    assert output.save(tmp_path).name == cleaned


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_can_be_saved(name: str) -> None:
    cleaned = clean_name(name)
    assert cleaned == clean_name(cleaned)
    for number in (0, 1, 10**6):
        saved = numbered_name(cleaned, number)
        assert len(saved.encode()) <= 255
        assert not saved.startswith(".")
        assert "/" not in saved
        assert saved.isprintable()


def test_what_is_no_path_is_refused() -> None:
    for path in ("a\0b", 5, None, "\ud800"):
        with pytest.raises(InvalidInputError, match="path"):
            file().save(path)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "emscripten", reason="no threads here")
def test_the_permissions_of_other_threads_files_are_never_wider(tmp_path: Path) -> None:
    previous = os.umask(0o077)
    modes: set[int] = set()
    stop = threading.Event()

    def create() -> None:
        number = 0
        while not stop.is_set():
            path = tmp_path / f"other-{number}"
            path.touch()
            modes.add(path.stat().st_mode & 0o777)
            number += 1

    try:
        thread = threading.Thread(target=create)
        thread.start()
        for number in range(200):
            saved = file().save(tmp_path / f"saved-{number}")
            modes.add(saved.stat().st_mode & 0o777)
    finally:
        stop.set()
        thread.join()
        os.umask(previous)
    assert modes == {0o600}


def test_an_error_names_the_place_and_not_the_file_beside_it(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        [partial] = tmp_path.iterdir()
        partial.unlink()

    with pytest.raises(OSError, match="No such file") as raised:
        write_whole(pieces(), tmp_path / "cat.png", overwrite=True)
    assert "cat.png" in str(raised.value)
    assert ".part" not in str(raised.value)
    assert "None" not in str(raised.value)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        file().save(tmp_path / "file" / "cat.png")


def test_nothing_stays_of_a_file_that_was_interrupted(tmp_path: Path) -> None:
    class Downloader(FakeDownloader):
        def download(self, url: str, **options: Any) -> Iterator[bytes]:
            yield b"a"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FileOutput(FILE, Downloader()).save(tmp_path)
    assert os.listdir(tmp_path) == []


SAVING = """
import sys
sys.path.insert(0, {tests!r})
from fake_downloader import FakeDownloader
from replicate_sync import FileOutput
print("ready", flush=True)
number = 0
while True:
    FileOutput("https://x.example/a.bin", FakeDownloader(*[b"x" * 65536] * 20)).save({folder!r})
"""


@pytest.mark.slow
def test_an_interrupted_program_leaves_whole_files_only(tmp_path: Path) -> None:
    script = SAVING.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path))
    program = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with program:
        assert program.stdout is not None
        program.stdout.readline()
        while not list(tmp_path.glob("a*.bin")):
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
    saved = list(tmp_path.iterdir())
    assert {path.stat().st_size for path in saved} == {20 * 65536}
    assert all(path.suffix == ".bin" for path in saved)
