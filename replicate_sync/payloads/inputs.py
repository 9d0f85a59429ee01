"""A model's input: what may be sent, and what stands for the files in it.

A file of at most 256 kB becomes a data URI; a larger one is uploaded, and its URL takes its place.
See https://replicate.com/docs/topics/predictions/input-files
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Container, Mapping
from itertools import islice
from typing import TYPE_CHECKING, TypeGuard

from ..exceptions import InvalidInputError
from ..http.json import name_unserializable, serialize_json

if TYPE_CHECKING:
    from typing import Protocol

    from .file_output import FileOutput
    from .upload import Upload, UploadedFile

    class _NumpyScalar(Protocol):
        def item(self) -> object:
            """Return the value as one of Python's own."""
            ...


_CONTAINERS = (Mapping, list, tuple)
#: Finds in the name of an input that it takes a text, and so no file, as far as the name tells.
TEXT_NAME = r"(?i)prompt|text|message|caption|query|question|stop"  # compiled when needed
_MAX_PATHS = 1000  # items of one list that are compared with the files on disk


def validate_input(
    given: Mapping[str, object] | None, *, texts: Container[str] = ()
) -> dict[str, object]:
    """Return a model's input as a new dict, with an `Upload` for each file in it.

    Nothing is sent. A file that is in the input twice is one `Upload`, and an input of None is not
    given.

    Args:
        given: The input. A path, an open binary file, bytes, a picture, a numpy image or a
            `FileOutput` stands for a file, however deep.
        texts: The names of inputs that are known to take a text and no file.

    Raises:
        InvalidInputError: It is not a dict with names as keys, a file is too large or cannot be
            read, JSON cannot express a value, or the name of a file is given for the file.
    """
    if given is None:
        return {}
    _validate_names(given)
    present: dict[str, object] = {}
    for name, value in given.items():
        if value is None:
            continue
        present[name] = value
        if name not in texts and not re.search(TEXT_NAME, name):
            _refuse_names_of_files(value, name)
    uploads: dict[object, Upload] = {}
    try:
        if all(map(_is_json_scalar, present.values())):
            return present
        if _is_json(present):  # no file can be in it
            for name, value in present.items():
                if isinstance(value, _CONTAINERS):
                    _refuse_equal_keys(value, name)
            return present
        return {name: _validate_value(value, name, uploads) for name, value in present.items()}
    except RecursionError as error:
        where = name_unserializable(present)
        raise InvalidInputError(f"{where} is nested too deep, or holds itself.") from error


def _validate_names(given: object) -> None:
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            "A model's input is a dict of its parameters, such as {'prompt': '…'}, "
            f"not {type(given).__name__}."
        )
    for name in given:
        if not isinstance(name, str):
            raise InvalidInputError(
                f"The names in a model's input must be strings; {name!r} is not."
            )


def place_files(
    validated: Mapping[str, object], place: Callable[[Upload], str]
) -> dict[str, object]:
    """Return a validated input with each `Upload` replaced.

    Args:
        validated: What `validate_input` returned.
        place: Returns what stands for a file: a URL or a data URI. Called once for each file.
    """
    placed: dict[Upload, str] = {}
    result: dict[str, object] = {}
    for name, value in validated.items():
        result[name] = _place_value(value, placed, place)
    return result


def _place_value(
    value: object, placed: dict[Upload, str], place: Callable[[Upload], str]
) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {name: _place_value(item, placed, place) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_place_value(item, placed, place) for item in value]
    from .upload import Upload  # late, as most inputs have no file

    if not isinstance(value, Upload):
        return value  # of which is said what is wrong where it is written as JSON
    if value not in placed:
        placed[value] = place(value)
    return placed[value]


def _validate_value(value: object, name: str, uploads: dict[object, Upload]) -> object:
    """Return a value that JSON can express, but for the uploads in it.

    Args:
        value: The value.
        name: The name of the input that it is in.
        uploads: The files so far, by what tells a file from another.
    """
    if _is_json_scalar(value):
        return value
    from .file_output import FileOutput  # late, as most inputs are JSON
    from .pictures import is_list_of_numbers
    from .upload import UploadedFile

    if isinstance(value, FileOutput):
        return _validate_output(value, name, uploads)
    if isinstance(value, UploadedFile):
        return _url_of_uploaded(value, name)
    if isinstance(value, Mapping):
        _refuse_equal_keys_of(value, name)
        return {key: _validate_value(item, f"{name}.{key}", uploads) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)  # in the same order in every program
    elif is_list_of_numbers(value):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_validate_value(item, name, uploads) for item in value]
    return _validate_leaf(value, name, uploads)


def _validate_output(file: FileOutput, name: str, uploads: dict[object, Upload]) -> str | Upload:
    """Return what stands for a file of another model: its URL, or what was kept of it."""
    if not file.outlives_url:
        return file.url
    if file.url not in uploads:
        from .file_inputs import to_upload

        upload = to_upload(file, name)
        assert upload is not None
        upload.identity = file.url  # as before: a journal has the run under it
        uploads[file.url] = upload
    return uploads[file.url]


def _url_of_uploaded(file: UploadedFile, name: str) -> str:
    if not file.url:
        raise InvalidInputError(f"The file in {name!r} has no URL: the API has not sent one.")
    return file.url


def _validate_leaf(value: object, name: str, uploads: dict[object, Upload]) -> object:
    if _is_numpy_scalar(value):
        value = _plain_value(value, name)
    else:
        identity = _identity(value, name)
        if identity not in uploads:
            from .file_inputs import to_upload  # late, as most inputs have no file

            upload = to_upload(value, name)
            if upload is not None:
                uploads[identity] = upload
        if identity in uploads:
            return uploads[identity]
    serialize_json({name: value})  # raises, unless it is a number after all
    return value


def _identity(value: object, name: str) -> object:
    """Return what tells a file from another: a path by where it leads, anything else by itself."""
    if not isinstance(value, os.PathLike):
        return id(value)
    from .upload import readable  # late, as most inputs have no file

    with readable(f"The file in {name!r}"):  # a path's own class may raise anything
        return os.path.abspath(value)


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_json_scalar(value: object) -> bool:
    if value is None or isinstance(value, str):
        return True
    # NaN and infinity are not between any two numbers.
    limit = sys.float_info.max
    return isinstance(value, int | float) and -limit <= value <= limit


def _is_numpy_scalar(value: object) -> TypeGuard[_NumpyScalar]:
    is_scalar = type(value).__module__ == "numpy" and not getattr(value, "ndim", None)
    return is_scalar and callable(getattr(value, "item", None))


def _plain_value(value: _NumpyScalar, name: str) -> object:
    """Return the value of a numpy scalar as one of Python's own."""
    kind = str(getattr(value, "dtype", ""))
    if kind.startswith(("datetime64", "timedelta64")):
        # `item` returns nanoseconds as a whole number.
        raise InvalidInputError(
            f"The input {name!r} cannot be sent as JSON: it is a {kind}.",
            hint="Pass it as a text, with str().",
        )
    return value.item()


def refuse_equal_keys(value: object, name: str) -> None:
    """Raise InvalidInputError if JSON would have two keys of a dict in a value as the same one.

    Args:
        value: What is to be sent as JSON.
        name: What the message calls it.
    """
    try:
        _refuse_equal_keys(value, name)
    except RecursionError as error:
        raise InvalidInputError(f"{name} is nested too deep, or holds itself.") from error


def _refuse_equal_keys(value: object, name: str) -> None:
    if isinstance(value, Mapping):
        _refuse_equal_keys_of(value, name)
        for key, item in value.items():
            _refuse_equal_keys(item, f"{name}.{key}")
    elif isinstance(value, list | tuple) and any(map(_is_container, set(map(type, value)))):
        for item in value:
            _refuse_equal_keys(item, name)


def _is_container(kind: type) -> bool:
    return issubclass(kind, _CONTAINERS)


def _refuse_equal_keys_of(value: Mapping[object, object], name: str) -> None:
    if all(isinstance(key, str) for key in value):
        return
    known: dict[str, object] = {}
    for key in value:
        text = key
        if not isinstance(text, str):
            serialize_json({name: {key: None}})  # raises, unless it is a number or the like
            text = json.dumps(key)
        if text in known:
            raise InvalidInputError(
                f"The input {name!r} has the keys {known[text]!r} and {key!r}, which JSON has as "
                "the same."
            )
        known[text] = key


def _refuse_names_of_files(value: object, name: str) -> None:
    """Raise InvalidInputError if a text is the name of a file on this machine."""
    texts = [value]
    if isinstance(value, list | tuple):
        texts = list(islice(value, _MAX_PATHS))
    for text in texts:
        # A name of a file has a scheme or a suffix, which many texts have not.
        if not isinstance(text, str) or (":" not in text and "." not in text):
            continue
        from .local_paths import is_name_of_file, path_expression

        if is_name_of_file(text):
            raise InvalidInputError(
                f"The input {name!r} is the name of a file, {text!r}, and not the file. Nothing "
                "was sent.",
                hint=f"Pass {path_expression(text)}, with Path from pathlib.",
            )
