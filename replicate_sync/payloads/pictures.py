"""Pictures in a model's input: those of Pillow, and arrays of pixels, become PNG files."""

from __future__ import annotations

import io
from typing import Any, Protocol, TypeGuard

from ..exceptions import InvalidInputError

_PIXEL_TYPES = ("uint8", "bool", "uint16")  # that a PNG file has as they are


class Array(Protocol):
    """An array of numbers, such as numpy's."""

    def tolist(self) -> object:
        """Return the array as lists."""
        ...


def is_picture(value: object) -> bool:
    """Return whether a value is a picture of Pillow, or an array of numpy."""
    library = type(value).__module__.partition(".")[0]
    if library == "numpy":
        return hasattr(value, "shape")
    return library == "PIL" and hasattr(value, "save")


def write_png(picture: Any, where: str) -> bytes:
    """Return the PNG file of a picture of Pillow, or of an array of pixels.

    Args:
        picture: The picture.
        where: The name of the input, for an error message.

    Raises:
        InvalidInputError: It is a vector or matrix of numbers, or Pillow cannot write it.
    """
    if not hasattr(picture, "save"):
        picture = _picture_of_array(picture, where)
    file = io.BytesIO()
    try:
        picture.save(file, "PNG")
    except Exception as error:
        raise InvalidInputError(
            f"The picture in {where!r} cannot be written as PNG: {error}.",
            hint="Pass its file, or a picture that PNG has, such as picture.convert('RGB').",
        ) from error
    return file.getvalue()


def _picture_of_array(array: Any, where: str) -> Any:
    """Return an array of pixels as a picture of Pillow."""
    _validate_pixels(array, where)
    try:
        from PIL import Image  # late, as a program without pictures does not need it

        return Image.fromarray(array)
    except ImportError:
        raise InvalidInputError(
            f"The array in {where!r} needs Pillow: pip install Pillow"
        ) from None
    except Exception as error:
        raise _no_picture_error(where, str(error)) from error


def _validate_pixels(array: Any, where: str) -> None:
    """Raise InvalidInputError if an array is a vector or matrix of numbers and not an image."""
    if getattr(getattr(array, "dtype", None), "kind", "") in "mM":
        raise InvalidInputError(
            f"The array in {where!r} cannot be sent as JSON: its type is {array.dtype}.",
            hint="Pass it as texts, with .astype(str).",
        )
    shape = getattr(array, "shape", ())
    if len(shape) not in (2, 3) or min(shape[:2]) < 2:
        raise _no_picture_error(where, f"its shape is {shape}")
    if str(getattr(array, "dtype", "")) not in _PIXEL_TYPES:
        raise _no_picture_error(where, f"its type is {getattr(array, 'dtype', None)}")


def is_list_of_numbers(value: object) -> TypeGuard[Array]:
    """Return whether a value is an array of numbers or texts, and not one of an image."""
    module = type(value).__module__
    if module == "array":
        return True
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if module != "numpy" or not getattr(value, "shape", ()) or kind not in "biufU":
        return False
    try:
        _validate_pixels(value, "")
    except InvalidInputError:
        # What has the shape of a picture, and another type, is most likely meant as one.
        return not _is_picture_shape(value)
    return False


def _is_picture_shape(array: Any) -> bool:
    shape = array.shape
    return len(shape) == 3 and shape[2] in (1, 3, 4)


def _no_picture_error(where: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"The picture in {where!r} cannot be written as PNG ({reason}): an array of pixels is "
        "one of uint8, such as height x width x 3; for a list of numbers, use .tolist()."
    )
