"""Painters: stand-ins for image models, which draw a landscape that follows from the prompt and the seed."""

from __future__ import annotations

import colorsys
import io
import math
import random
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Color = tuple[int, int, int]
RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


class Picture(io.BytesIO):
    """The bytes of a picture, with a file's name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def size_of(ratio: str, megapixels: float = 1.0) -> tuple[int, int]:
    """Give the size with exactly this ratio, such as `16:9`, and about so many times 1024 x 1024 pixels."""
    wide, high = (int(part) for part in ratio.split(":"))
    scale = round(math.sqrt(1024 * 1024 * megapixels / (wide * high)))
    return wide * scale, high * scale


def paint(prompt: str, seed: int, size: tuple[int, int], kind: str = "png", quality: int = 80) -> Picture:
    """Draw a picture of this size, the same one for the same arguments; `kind` is png, jpg or webp."""
    from PIL import Image, ImageDraw

    dice = random.Random(f"{seed} {prompt}")
    hue = dice.random()
    image = _sky(size, hue, dice)
    _sun(image, hue, dice)
    draw = ImageDraw.Draw(image, "RGBA")
    _clouds(draw, size, dice)
    _hills(draw, size, hue, dice)
    _caption(draw, size, prompt)
    buffer = io.BytesIO()
    options = {
        "png": {"compress_level": 1},
        "jpg": {"quality": quality},
        "webp": {"quality": quality, "method": 0},
    }
    assert isinstance(image, Image.Image)
    image.save(buffer, _FORMATS[kind], **options[kind])
    return Picture(buffer.getvalue(), f"out.{kind}")


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _sky(size: tuple[int, int], hue: float, dice: random.Random) -> Image.Image:
    from PIL import Image

    above = Image.new("RGB", size, _color(hue, 0.55, 0.75))
    below = Image.new("RGB", size, _color(hue + dice.uniform(0.08, 0.2), 0.35, 0.98))
    return Image.composite(below, above, Image.linear_gradient("L").resize(size))


def _sun(image: Image.Image, hue: float, dice: random.Random) -> None:
    from PIL import Image, ImageOps

    width, height = image.size
    across = max(4, int(min(width, height) * dice.uniform(0.35, 0.6)))
    glow = ImageOps.invert(Image.radial_gradient("L")).resize((across, across))
    # Zero within its square's edge, so that the glow has no corners.
    glow = glow.point(lambda value: max(0, min(255, (value - 75) * 2)))
    corner = (
        int(width * dice.uniform(0.1, 0.9)) - across // 2,
        int(height * dice.uniform(0.15, 0.45)) - across // 2,
    )
    image.paste(_color(hue + 0.5, 0.25, 1.0), corner, glow)


def _clouds(draw: ImageDraw.ImageDraw, size: tuple[int, int], dice: random.Random) -> None:
    width, height = size
    for _ in range(dice.randint(2, 6)):
        left, top = dice.uniform(0, width), dice.uniform(0.05, 0.4) * height
        for step in range(dice.randint(3, 6)):
            radius = dice.uniform(0.02, 0.06) * width
            x, y = left + step * radius, top + dice.uniform(-0.3, 0.3) * radius
            draw.ellipse((x - radius, y - radius * 0.5, x + radius, y + radius * 0.5), (255, 255, 255, 90))


def _hills(draw: ImageDraw.ImageDraw, size: tuple[int, int], hue: float, dice: random.Random) -> None:
    width, height = size
    layers = dice.randint(3, 5)
    for layer in range(layers):
        depth = layer / layers
        base = height * (0.5 + 0.42 * depth)
        waves = [(dice.uniform(0.5, 3.0), dice.uniform(0, math.tau), dice.uniform(0.02, 0.07) * height) for _ in range(3)]
        step = max(1, width // 256)
        line = [
            (
                x,
                base + sum(rise * math.sin(phase + often * math.tau * x / width) for often, phase, rise in waves),
            )
            for x in range(0, width + step, step)
        ]
        shade = _color(hue + 0.3 + 0.05 * layer, 0.35 + 0.3 * depth, 0.75 - 0.5 * depth)
        draw.polygon([(0, height), *line, (width, height)], (*shade, 255))


def _caption(draw: ImageDraw.ImageDraw, size: tuple[int, int], prompt: str) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default()
    # Pillow's built-in font has no letters beyond ASCII: accents are dropped, the rest becomes a `?`.
    bare = "".join(c for c in unicodedata.normalize("NFKD", prompt) if not unicodedata.combining(c))
    words = " ".join(bare.split()).encode("ascii", "replace").decode()
    line = words[: max(1, size[0] // 8 - 2)]
    place = (8, size[1] - 20)
    draw.text((place[0] + 1, place[1] + 1), line, (0, 0, 0, 200), font=font)
    draw.text(place, line, (255, 255, 255, 255), font=font)
