"""Files are saved whole or not at all, and in a folder none takes the place of another.

A file is written beside its place, under a short hidden name, and moved there when it is complete:

    save("cat.png")      cat.png, in the place of what was there; a link is followed
    save("pictures/")    pictures/out-0.png; pictures/out-0-1.png where that name is taken
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from secrets import token_hex
from shutil import copymode

from ..exceptions import InvalidInputError
from .file_names import clean_name, numbered_name


def choose_target(path: str | os.PathLike[str], name: str) -> tuple[Path, bool]:
    """Return where a file is to be saved, and whether that is a name in a folder.

    The folder is made, with its parents, where it does not exist.

    Args:
        path: A path, or a folder: what ends with a slash, or exists as one. A "~" is expanded.
        name: The file's name in a folder.

    Raises:
        InvalidInputError: It is not a path.
        OSError: The folder cannot be made.
    """
    text = expanded(path)
    target = Path(text)
    if text.endswith(("/", os.sep)) or target.is_dir():
        return make_folder(target) / numbered_name(clean_name(name), 0), True
    make_folder(target.parent)
    return target, False


def expanded(path: str | os.PathLike[str], name: str = "path") -> str:
    """Return a path as a text, with a "~" expanded.

    Args:
        path: The path.
        name: The name of the argument, for an error.

    Raises:
        InvalidInputError: It is not a path, or no system has such a one.
    """
    try:
        text = os.path.expanduser(os.fsdecode(path))
        os.fsencode(text)
    except TypeError as error:
        raise InvalidInputError(f"{name} must be a str or a Path, not {path!r}.") from error
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} has half a character in it: {path!r}.") from error
    if "\0" in text:
        raise InvalidInputError(f"{name} has a NUL in it: {text!r}.")
    return text


def make_folder(folder: Path) -> Path:
    """Make a folder with its parents, where it does not exist, and return it.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(pieces: Iterable[bytes], target: Path, *, overwrite: bool) -> Path:
    """Write a file that appears when it is complete, and return its path.

    Args:
        pieces: The content.
        target: Where it is to be.
        overwrite: Whether it takes the place of a file that is there, also of one that a link
            leads to; otherwise it is numbered.

    Raises:
        OSError: It cannot be written.
    """
    place = target
    if overwrite:
        place = _followed(target)
        if place.exists() and not place.is_file():
            return _write_into(pieces, target)
    partial = place.parent / f".{token_hex(6)}.part"
    try:
        with open(partial, "xb") as file:  # the system applies the process' umask
            for piece in pieces:
                file.write(piece)
        if not overwrite:
            return _move_to_free_name(partial, target)
        if place.is_file():
            copymode(place, partial)
        os.replace(partial, place)
    except OSError as error:
        if str(error.filename) == str(partial):
            raise OSError(error.errno, error.strerror, os.fspath(target)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)
    return target


def _followed(target: Path) -> Path:
    """Return where a link leads to, as a file that is opened by it; or the path itself.

    Raises:
        OSError: The link leads to itself.
    """
    if not target.is_symlink():
        return target
    place = Path(os.path.realpath(target))
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(target))
    return place


def _write_into(pieces: Iterable[bytes], target: Path) -> Path:
    """Write to a pipe or a device, such as /dev/null: a file must not take its place."""
    with open(target, "wb") as file:
        for piece in pieces:
            file.write(piece)
    return target


def _move_to_free_name(partial: Path, target: Path) -> Path:
    for number in count():
        candidate = target.with_name(numbered_name(target.name, number))
        try:
            _move_without_overwriting(partial, candidate)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("there is always another number")


def _move_without_overwriting(partial: Path, target: Path) -> None:
    """Move a file to a name that is free.

    Raises:
        FileExistsError: The name is taken.
    """
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except (OSError, AttributeError):
        # A file system or a platform without links: the name is taken first, then filled.
        target.open("xb").close()
        try:
            os.replace(partial, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
