"""Stand-ins for image models.

They have the inputs of the real ones, but no model to guide: the inputs that would shape the
diffusion are validated and have no effect.
"""

from __future__ import annotations

from typing import Annotated, Literal

from .. import job_context
from ..models import builtin
from ..schemas import Between
from . import images, text
from .images import ImageFormat, Picture, Size

FLUX = "black-forest-labs/flux-schnell"
STABLE_DIFFUSION = "stability-ai/stable-diffusion-3"
SDXL_LIGHTNING = "bytedance/sdxl-lightning-4step"
PLAYGROUND = "playgroundai/playground-v2.5-1024px-aesthetic"
_STABLE_DIFFUSION_VERSION = "527d2a6296facb8e47ba1eaf17f142c240c19a30894f437feee9b91cc29d8e4f"
_SDXL_LIGHTNING_VERSION = "5f24084160c9089501c1b3545d9be3c27883ae2239b6f412990e82d4a6210f8f"
_PLAYGROUND_VERSION = "a45f82a1382bed5c7aeb861dac7c7d191b0fdf74d8d57c4a0e6ed7d4d0bf7d24"

Prompt = Annotated[str, "Input prompt"]
Share = Annotated[float, Between(0, 1)]
Count = Annotated[int, Between(1, 4)]
Seed = Annotated["int | None", "Random seed. Leave blank to randomize the seed"]
Quality = Annotated[int, "Quality of the output, from 0 to 100", Between(0, 100)]
Ratio = Literal["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]
LightningScheduler = Literal[
    "DDIM",
    "DPMSolverMultistep",
    "HeunDiscrete",
    "KarrasDPM",
    "K_EULER_ANCESTRAL",
    "K_EULER",
    "PNDM",
    "DPM++2MSDE",
]
PlaygroundScheduler = Literal[
    "DDIM",
    "DPMSolverMultistep",
    "HeunDiscrete",
    "K_EULER_ANCESTRAL",
    "K_EULER",
    "PNDM",
    "DPM++2MKarras",
    "DPMSolver++",
]


@builtin.model(STABLE_DIFFUSION, version=_STABLE_DIFFUSION_VERSION)
def stable_diffusion_3(
    prompt: Prompt,
    negative_prompt: str = "",
    aspect_ratio: Ratio = "1:1",
    cfg: Annotated[float, Between(0, 20)] = 3.5,
    steps: Annotated[int, Between(1, 28)] = 28,
    output_format: ImageFormat = "webp",
    output_quality: Quality = 90,
    seed: Seed = None,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    size = images.size_of(aspect_ratio)
    return draw_pictures(prompt, STABLE_DIFFUSION, seed, 1, size, output_format, output_quality)


@builtin.model(SDXL_LIGHTNING, version=_SDXL_LIGHTNING_VERSION)
def sdxl_lightning(
    prompt: Prompt,
    negative_prompt: str = "worst quality, low quality",
    width: Annotated[int, Between(256, 1280)] = 1024,
    height: Annotated[int, Between(256, 1280)] = 1024,
    num_outputs: Count = 1,
    scheduler: LightningScheduler = "K_EULER",
    num_inference_steps: Annotated[int, Between(1, 10)] = 4,
    guidance_scale: Annotated[float, Between(0, 50)] = 0.0,
    seed: Seed = None,
    disable_safety_checker: bool = False,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    return draw_pictures(prompt, SDXL_LIGHTNING, seed, num_outputs, (width, height))


@builtin.model(PLAYGROUND, version=_PLAYGROUND_VERSION)
def playground(
    prompt: Prompt,
    negative_prompt: str = "ugly, deformed, noisy, blurry, distorted",
    width: Annotated[int, Between(256, 1536)] = 1024,
    height: Annotated[int, Between(256, 1536)] = 1024,
    num_outputs: Count = 1,
    scheduler: PlaygroundScheduler = "DPMSolver++",
    num_inference_steps: Annotated[int, Between(1, 60)] = 25,
    guidance_scale: Annotated[float, Between(0.1, 20)] = 3.0,
    prompt_strength: Share = 0.8,
    seed: Seed = None,
    apply_watermark: bool = True,
    disable_safety_checker: bool = False,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    return draw_pictures(prompt, PLAYGROUND, seed, num_outputs, (width, height))


@builtin.model(FLUX)
def flux_schnell(
    prompt: Prompt,
    aspect_ratio: Ratio = "1:1",
    num_outputs: Count = 1,
    num_inference_steps: Annotated[int, Between(1, 4)] = 4,
    seed: Seed = None,
    output_format: ImageFormat = "webp",
    output_quality: Quality = 80,
    go_fast: bool = True,
    megapixels: Literal["1", "0.25"] = "1",
    disable_safety_checker: bool = False,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    size = images.size_of(aspect_ratio, float(megapixels))
    return draw_pictures(prompt, FLUX, seed, num_outputs, size, output_format, output_quality)


def draw_pictures(
    prompt: str,
    name: str,
    seed: int | None,
    count: int,
    size: Size,
    format: ImageFormat = "png",
    quality: int = 80,
) -> list[Picture]:
    """Return pictures of a model, and log the progress.

    Args:
        prompt: What they are of.
        name: The name of the model.
        seed: The seed of the first picture, or None for a random one; the next has the next one.
        count: How many pictures.
        size: Width and height in pixels.
        format: The format of the pictures.
        quality: From 0 to 100, for the formats that have one.
    """
    chosen = text.choose_seed(seed, name)
    job_context.log(f"Prompt: {prompt}")
    pictures = []
    for number in range(1, count + 1):
        pictures.append(images.draw(prompt, chosen + number - 1, size, format, quality))
        job_context.log(f"{100 * number // count:3d}%|{'█' * 10}| {number}/{count}")
    job_context.metric("image_count", count)
    return pictures
