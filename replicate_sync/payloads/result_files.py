"""The files in a result, wherever they are in it; and how they are kept on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import InvalidInputError, ReplicateError
from .file_names import numbered_name
from .file_output import FileOutput
from .saving import expanded, make_folder, write_whole


def find_files(result: object) -> list[FileOutput]:
    """Return the files in a result, in their order."""
    files: list[FileOutput] = []
    replace_files(result, files.append)
    return files


def replace_files(result: object, replace: Callable[[FileOutput], object]) -> object:
    """Return a result with each file in it replaced by what `replace` returns for it."""
    if isinstance(result, FileOutput):
        return replace(result)
    if isinstance(result, dict):
        return {name: replace_files(item, replace) for name, item in result.items()}
    if isinstance(result, list):
        return [replace_files(item, replace) for item in result]
    return result


class Saver:
    """Saves the files of results as `<prefix>-<name>`, each whole or not at all.

    Args:
        folder: Where; it is made where it does not exist, and a "~" is expanded.

    Raises:
        InvalidInputError: It is not a path, or one of a file.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(expanded(folder, "save")).absolute()
        if os.path.exists(self._folder) and not os.path.isdir(self._folder):
            raise InvalidInputError(f"save must be a folder, and {self._folder} is a file.")

    def save(
        self,
        files: Sequence[FileOutput],
        prefix: str | None,
        known: Sequence[str] = (),
        on_saved: Callable[[Path], object] | None = None,
        deadline: Deadline = NO_DEADLINE,
    ) -> None:
        """Save the files of a result, and give them their paths.

        Args:
            files: The files, in their order.
            prefix: What tells where they come from: the position of the input, for a map; None
                for the number of each file in the result.
            known: Where an earlier start has saved its files; what is there is not saved again.
            on_saved: Called with the path of each file that was saved now.
            deadline: When all of them must be there.

        Raises:
            ReplicateError: A file could not be downloaded, or not be written.
        """
        paths = [*known[: len(files)], *[""] * (len(files) - len(known))]
        for number, (file, path) in enumerate(zip(files, paths, strict=True)):
            file.path = self._saved_path(path)
            if file.path is None:
                file.path = self._save(file, str(number) if prefix is None else prefix, deadline)
                if on_saved is not None:
                    on_saved(file.path)

    def _save(self, file: FileOutput, prefix: str, deadline: Deadline) -> Path:
        name = numbered_name(f"{prefix}-{file.name}", 0)
        try:
            make_folder(self._folder)
            pieces = file.iter_bytes(deadline=deadline)
            return write_whole(pieces, self._folder / name, overwrite=False)
        except ReplicateError:
            raise  # of the download; a connection that failed is an OSError as well
        except OSError as error:
            raise ReplicateError(
                f"The file {file.name} could not be saved: {error}.",
                hint=f"Make room in {self._folder}, or choose another folder.",
            ) from error

    def _saved_path(self, known: str) -> Path | None:
        """Return where a file is that an earlier start has saved; the folder may have moved."""
        path = Path(known)
        for candidate in (path, self._folder / path.name):
            if known and candidate.is_file():
                return candidate
        return None
