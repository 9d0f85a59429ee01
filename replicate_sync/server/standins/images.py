"""Pictures for the stand-ins of image models: landscapes that follow from prompt and seed."""

from __future__ import annotations

import colorsys
import io
import math
import random
import unicodedata
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Color = tuple[int, int, int]
Size = tuple[int, int]
ImageFormat = Literal["webp", "jpg", "png"]

RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
_PILLOW_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


class Picture(io.BytesIO):
    """The bytes of a picture, with a file name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def size_of(ratio: str, megapixels: float = 1.0) -> Size:
    """Return the width and height in pixels that have exactly a ratio.

    Args:
        ratio: Width and height, such as "16:9".
        megapixels: About how many pixels, in units of 1024 x 1024.
    """
    width, height = (int(part) for part in ratio.split(":"))
    scale = round(math.sqrt(1024 * 1024 * megapixels / (width * height)))
    return width * scale, height * scale


def draw(
    prompt: str, seed: int, size: Size, format: ImageFormat = "png", quality: int = 80
) -> Picture:
    """Return a landscape, the same one for the same arguments.

    Args:
        prompt: Is written at the bottom.
        seed: Another seed draws another landscape.
        size: Width and height in pixels.
        format: The format of the picture.
        quality: From 0 to 100, for the formats that have one.
    """
    from PIL import Image, ImageDraw

    dice = random.Random(f"{seed} {prompt}".encode("utf-8", "surrogatepass"))
    hue = dice.random()
    image = _draw_sky(size, hue, dice)
    _draw_sun(image, hue, dice)
    canvas = ImageDraw.Draw(image, "RGBA")
    _draw_clouds(canvas, size, dice)
    _draw_hills(canvas, size, hue, dice)
    _draw_caption(canvas, size, prompt)
    options = {
        "png": {"compress_level": 1},
        "jpg": {"quality": quality},
        "webp": {"quality": quality, "method": 0},
    }
    assert isinstance(image, Image.Image)
    buffer = io.BytesIO()
    image.save(buffer, _PILLOW_FORMATS[format], **options[format])
    return Picture(buffer.getvalue(), f"out.{format}")


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _draw_sky(size: Size, hue: float, dice: random.Random) -> Image.Image:
    from PIL import Image

    above = Image.new("RGB", size, _color(hue, 0.55, 0.75))
    below = Image.new("RGB", size, _color(hue + dice.uniform(0.08, 0.2), 0.35, 0.98))
    return Image.composite(below, above, Image.linear_gradient("L").resize(size))


def _draw_sun(image: Image.Image, hue: float, dice: random.Random) -> None:
    from PIL import Image, ImageOps

    width, height = image.size
    diameter = max(4, int(min(width, height) * dice.uniform(0.35, 0.6)))
    glow = ImageOps.invert(Image.radial_gradient("L")).resize((diameter, diameter))
    # Zero within its square's edge, so that the glow has no corners.
    glow = glow.point(lambda value: max(0, min(255, (value - 75) * 2)))
    left = int(width * dice.uniform(0.1, 0.9)) - diameter // 2
    top = int(height * dice.uniform(0.15, 0.45)) - diameter // 2
    image.paste(_color(hue + 0.5, 0.25, 1.0), (left, top), glow)


def _draw_clouds(canvas: ImageDraw.ImageDraw, size: Size, dice: random.Random) -> None:
    width, height = size
    for _ in range(dice.randint(2, 6)):
        left = dice.uniform(0, width)
        top = dice.uniform(0.05, 0.4) * height
        for step in range(dice.randint(3, 6)):
            radius = dice.uniform(0.02, 0.06) * width
            x = left + step * radius
            y = top + dice.uniform(-0.3, 0.3) * radius
            box = (x - radius, y - radius * 0.5, x + radius, y + radius * 0.5)
            canvas.ellipse(box, (255, 255, 255, 90))


def _draw_hills(canvas: ImageDraw.ImageDraw, size: Size, hue: float, dice: random.Random) -> None:
    width, height = size
    layers = dice.randint(3, 5)
    step = max(1, width // 256)
    for layer in range(layers):
        depth = layer / layers
        base = height * (0.5 + 0.42 * depth)
        waves = [
            (
                dice.uniform(0.5, 3.0),
                dice.uniform(0, math.tau),
                dice.uniform(0.02, 0.07) * height,
            )
            for _ in range(3)
        ]
        outline: list[tuple[float, float]] = [(0, height)]
        for x in range(0, width + step, step):
            rise = sum(
                amplitude * math.sin(phase + frequency * math.tau * x / width)
                for frequency, phase, amplitude in waves
            )
            outline.append((x, base + rise))
        outline.append((width, height))
        shade = _color(hue + 0.3 + 0.05 * layer, 0.35 + 0.3 * depth, 0.75 - 0.5 * depth)
        canvas.polygon(outline, (*shade, 255))


def _draw_caption(canvas: ImageDraw.ImageDraw, size: Size, prompt: str) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default()
    # Pillow's built-in font has no letters beyond ASCII: accents are dropped, the rest becomes a
    # question mark.
    letters = unicodedata.normalize("NFKD", prompt)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = " ".join(plain.split()).encode("ascii", "replace").decode()
    line = words[: max(1, size[0] // 8 - 2)]
    left = 8
    top = size[1] - 20
    canvas.text((left + 1, top + 1), line, (0, 0, 0, 200), font=font)
    canvas.text((left, top), line, (255, 255, 255, 255), font=font)
