"""A file that a model made: read, saved, and displayed in a notebook."""

from __future__ import annotations

import base64
import mimetypes
import os
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import ReplicateError

# What displays and saves a file is imported late, as most programs only pass its URL on or read it.
if TYPE_CHECKING:
    from PIL import Image

    from ..http.multipart import OnBytes

_URL_LIFETIME = 55 * 60.0  # seconds for which a URL is there: an hour, but for what a run may take
_PIECE_SIZE = 2**16  # bytes that are read of a saved file at a time
_MAX_IN_MEMORY = 2**20  # bytes of an opened file that are kept in memory
_MAX_URL_LENGTH = 200  # characters of a URL in a repr; a data URI is longer
_NATIVE_TYPES = ("image/png", "image/jpeg", "image/gif")  # every notebook displays these itself
_MIME_TYPES = {  # by suffix; those that some Pythons and systems do not know
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
_SUFFIXES = {mime_type: suffix for suffix, mime_type in reversed(_MIME_TYPES.items())}


class FileDownloader(Protocol):
    """Fetches the content of files, as `http.download.Downloader` does."""

    def fetch(self, url: str) -> bytes:
        """Return the content of a file."""
        ...

    def download(
        self, url: str, *, on_bytes: OnBytes | None = None, deadline: Deadline = NO_DEADLINE
    ) -> Iterator[bytes]:
        """Yield the content of a file in pieces.

        Args:
            url: The file's URL.
            on_bytes: Called after each piece.
            deadline: When all of it must have arrived.
        """
        ...


class FileOutput:
    """A file that a model made: a URL that can be read and saved, and displays itself.

    Replicate keeps output files for one hour. Iterating it yields its content in pieces. `str()`
    returns the URL, or the name of a file whose content is in its URL; a repr does no I/O.
    See https://replicate.com/docs/topics/predictions/output-files

    Args:
        url: The file's URL, or a data URI with its content.
        downloader: Fetches the content.
        stem: The file's name without the suffix, where the URL has no name.
        path: Where an earlier program has saved it; the URL is then taken to be gone.

    Examples:
        >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
        >>> picture.save("lighthouse.webp").name
        'lighthouse.webp'
    """

    def __init__(
        self,
        url: str,
        downloader: FileDownloader,
        stem: str = "output",
        path: Path | None = None,
    ) -> None:
        #: Where the file is.
        self.url = url
        #: Where it was saved in a folder; its content is read from there, as long as it is there.
        self.path: Path | None = path
        self._url_is_there_until = 0.0 if path is not None else time.time() + _URL_LIFETIME
        self._downloader = downloader
        self._stem = stem
        self._content: bytes | None = None

    def iter_bytes(
        self, *, progress: bool = False, deadline: float | Deadline | None = None
    ) -> Iterator[bytes]:
        """Yield the content of the file in pieces, as they are downloaded.

        Args:
            progress: Whether to display a progress bar if the file is larger than 5 MB. Needs the
                extra "progress".
            deadline: The seconds that all of it may take.

        Raises:
            ResponseError: The file is gone.
            ConnectionFailed: The download was cut, and could not be resumed; or it took too long.
            ReplicateError: The URL is a data URI that cannot be parsed.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> sum(len(piece) for piece in picture.iter_bytes()) == len(picture.read())
            True
        """
        limit = Deadline.of(deadline)
        if self._content is not None:
            yield self._content
        elif self._is_on_disk:
            yield from _read_pieces(cast(Path, self.path))
        elif self._is_inline:
            yield _parse_data_uri(self.url)
        elif progress:
            from ..display.progress import ByteProgress

            with ByteProgress(self.name, progress) as bar:
                yield from self._downloader.download(self.url, on_bytes=bar.update, deadline=limit)
        else:
            yield from self._downloader.download(self.url, deadline=limit)

    def read(self, *, progress: bool = False) -> bytes:
        """Return the content of the file. It is downloaded once.

        Args:
            progress: As for `iter_bytes`.

        Raises:
            ReplicateError: As `iter_bytes` does.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.read()[:4]
            b'RIFF'
        """
        if self._content is None:
            if progress or self._is_inline or self._is_on_disk:
                self._content = b"".join(self.iter_bytes(progress=progress))
            else:
                self._content = self._downloader.fetch(self.url)
        return self._content

    def open(self) -> BinaryIO:
        """Return the content as an open file; a large one is kept on disk.

        Returns:
            A binary file at its beginning that can be read and sought in. The caller closes it.

        Raises:
            ReplicateError: As `iter_bytes` does.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> with picture.open() as file:
            ...     file.read(4)
            b'RIFF'
        """
        file = tempfile.SpooledTemporaryFile(_MAX_IN_MEMORY)  # noqa: SIM115
        try:
            for piece in self.iter_bytes():
                file.write(piece)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return cast(BinaryIO, file)

    def image(self) -> Image.Image:
        """Return the file as a picture of Pillow.

        Raises:
            ImportError: Pillow is missing; the message says what to install.
            ReplicateError: As `iter_bytes` does.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.image().size
            (1024, 1024)
        """
        try:
            from PIL import Image
        except ImportError:
            raise ImportError("Pictures as objects need Pillow: pip install Pillow") from None
        return Image.open(BytesIO(self.read()))

    def save(self, path: str | os.PathLike[str], *, progress: bool = False) -> Path:
        """Write the file to a path, and return the path. It appears there only when it is complete.

        Args:
            path: A path, or a folder: what ends with a slash, or exists as one. In a folder the
                file gets its own name, with a number where that is taken. Folders are made where
                they do not exist, a "~" is expanded, and a link is followed.
            progress: As for `iter_bytes`.

        Returns:
            The path of the file, with the name that it was given in a folder.

        Raises:
            OSError: The file cannot be written.
            ReplicateError: As `iter_bytes` does.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.save("lighthouse.webp").name
            'lighthouse.webp'
            >>> picture.save("folder/").name
            'out-0.webp'
        """
        from . import saving

        target, is_in_folder = saving.choose_target(path, self.name)
        pieces = self.iter_bytes(progress=progress)
        return saving.write_whole(pieces, target, overwrite=not is_in_folder)

    @property
    def name(self) -> str:
        """The file's own name, such as "out-0.png".

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.name
            'out-0.webp'
        """
        if self._is_inline:
            mime_type = self.mime_type
            suffix = _SUFFIXES.get(mime_type)
            if suffix is None:
                suffix = mimetypes.guess_extension(mime_type, strict=False) or ""
            return self._stem + suffix
        from .file_names import clean_name

        return clean_name(unquote(_url_path(self.url)).rpartition("/")[2]) or self._stem

    @property
    def mime_type(self) -> str:
        """The file's MIME type according to its URL, such as "image/png".

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.mime_type
            'image/webp'
        """
        if self._is_inline:
            head = self.url.removeprefix("data:").partition(",")[0]
            return head.partition(";")[0] or "text/plain"
        path = _url_path(self.url)
        suffix = os.path.splitext(path)[1].lower()
        mime_type = _MIME_TYPES.get(suffix) or mimetypes.guess_type(path, strict=False)[0]
        return mime_type or "application/octet-stream"

    def to_html(self, max_size: int) -> tuple[str, int]:
        """Return the file as HTML for a notebook, and how many bytes of its content are in that.

        A picture, or a player for sound or video. The content is in the HTML, so that it is there
        when the notebook is opened again. A file of another kind is a link, and one that cannot be
        downloaded is a sentence, not an error.

        Args:
            max_size: The most bytes that may be in the HTML; a longer file is displayed from its
                URL.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> html, size = picture.to_html(max_size=1_000_000)
            >>> html[:5]
            '<img '
        """
        try:
            content = self._embeddable_content(max_size)
        except ReplicateError as error:
            return self._note(error), 0
        return self._media_html(content), len(content or b"")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from ..display import notebook
        from ..display.gallery import MAX_FILE_SIZE

        bundle = {"text/plain": repr(self)}
        if notebook.is_text_only():
            return bundle
        try:
            content = self._embeddable_content(MAX_FILE_SIZE)
        except ReplicateError as error:
            return {**bundle, "text/html": self._note(error)}
        if content and self.mime_type in _NATIVE_TYPES:
            return {**bundle, self.mime_type: base64.b64encode(content).decode()}
        return {**bundle, "text/html": self._media_html(content)}

    def _embeddable_content(self, max_size: int) -> bytes | None:
        """Return the content if it is a picture, sound or video that is not too long, or None."""
        if not self.mime_type.startswith(("image/", "audio/", "video/")):
            return None
        if self._content is None:
            pieces = []
            size = 0
            for piece in self.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > max_size:
                    return None
            self._content = b"".join(pieces)
        if len(self._content) > max_size:
            return None
        return self._content

    def _media_html(self, content: bytes | None) -> str:
        """Return the file as HTML, with its content in it, or else displayed from its URL."""
        from ..display import html

        source = self.url
        if content is not None:
            source = f"data:{self.mime_type};base64,{base64.b64encode(content).decode()}"
        return html.media(self.mime_type, self.name, source)

    def _note(self, error: ReplicateError) -> str:
        from ..display import html

        return html.note(f"{self.name} cannot be shown. {error}")

    @property
    def outlives_url(self) -> bool:
        """Whether its content is at hand, while its URL may be gone.

        Examples:
            >>> [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})
            >>> picture.outlives_url
            False
        """
        if self._is_inline or time.time() < self._url_is_there_until:
            return False
        return self._content is not None or self._is_on_disk

    @property
    def _is_on_disk(self) -> bool:
        return self.path is not None and self.path.is_file()

    @property
    def _is_inline(self) -> bool:
        return self.url.startswith("data:")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileOutput) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_bytes()

    def __str__(self) -> str:
        if self._is_inline:
            return self.name
        return self.url

    def __repr__(self) -> str:
        url = self.url
        if len(url) > _MAX_URL_LENGTH:
            url = f"{url[:60]}… ({len(url)} characters)"
        return f"{type(self).__name__}({url!r})"


class ImageOutput(FileOutput):
    """A picture, and the prompt that it was made from.

    Args:
        url: As for `FileOutput`.
        prompt: The prompt.
        downloader: As for `FileOutput`.

    Examples:
        >>> home = ReplicateHome(api_key=client.server.token, base_url=client.base_url)
        >>> picture = home.image("a lighthouse")
        >>> picture.prompt
        'a lighthouse'
    """

    def __init__(self, url: str, prompt: str, downloader: FileDownloader) -> None:
        super().__init__(url, downloader)
        #: What the picture was made from.
        self.prompt = prompt


def _read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_SIZE):
            yield piece


def _parse_data_uri(uri: str) -> bytes:
    """Return the content of a data URI.

    Raises:
        ReplicateError: It cannot be parsed.
    """
    head, comma, data = uri.partition(",")
    try:
        if not comma:
            raise ValueError("it has no comma")
        content = unquote_to_bytes(data)
        if head.endswith(";base64"):
            return base64.b64decode(b"".join(content.split()), validate=True)
    except ValueError as error:
        raise ReplicateError(
            f"The model's output is a data URI that cannot be parsed: {error}"
        ) from error
    return content


def _url_path(url: str) -> str:
    """Return the path of a URL, or "" where it is not a URL."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
