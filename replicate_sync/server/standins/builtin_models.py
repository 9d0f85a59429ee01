"""The models of every server: stand-ins with the names and inputs of known ones, and a few to try things."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from .. import job_context
from ..models import standins
from ..schemas import Between
from . import images, text
from .images import Picture
from .text import Taste

_STEP = 0.02  # seconds
Share = Annotated[float, Between(0, 1)]
Count = Annotated[int, Between(1, 4)]
Seed = Annotated["int | None", "Random seed. Leave blank to randomize the seed"]
Format = Literal["webp", "jpg", "png"]
Quality = Annotated[int, "Quality of the output, from 0 to 100", Between(0, 100)]
Prompt = Annotated[str, "Input prompt"]
Llama = Annotated[str, "A comma-separated list of sequences to stop at"]
Lightning = Literal[
    "DDIM",
    "DPMSolverMultistep",
    "HeunDiscrete",
    "KarrasDPM",
    "K_EULER_ANCESTRAL",
    "K_EULER",
    "PNDM",
    "DPM++2MSDE",
]
Playground = Literal[
    "DDIM",
    "DPMSolverMultistep",
    "HeunDiscrete",
    "K_EULER_ANCESTRAL",
    "K_EULER",
    "PNDM",
    "DPM++2MKarras",
    "DPMSolver++",
]
Ratio = Literal["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]


@standins.model("meta/meta-llama-3-70b-instruct")
def llama(
    prompt: Prompt,
    system_prompt: str = "You are a helpful assistant",
    max_tokens: Annotated[int, "Maximum number of tokens to generate", Between(1)] = 512,
    min_tokens: Annotated[int, "Minimum number of tokens to generate", Between(0)] = 0,
    temperature: Annotated[float, Between(0, 5)] = 0.7,
    top_p: Share = 0.95,
    top_k: Annotated[int, Between(0)] = 0,
    stop_sequences: Llama = "<|end_of_text|>,<|eot_id|>",
    presence_penalty: float = 0.0,
    frequency_penalty: float = 0.2,
    length_penalty: float = 1.0,
    prompt_template: str = "{prompt}",
    seed: Seed = None,
    log_performance_metrics: bool = False,
) -> Iterator[str]:
    """A stand-in for a language model of 70 billion parameters, with seven paragraphs of prose instead."""
    chosen = text.seeded(seed, "meta/meta-llama-3-70b-instruct")
    taste = Taste(temperature, top_k, top_p, 1 + max(0.0, presence_penalty) + max(0.0, frequency_penalty))
    words = text.write(prompt, chosen, taste, max_tokens, min_tokens)
    yield from text.counted(text.until(words, stop_sequences.split(",")), f"{system_prompt} {prompt}")
    if log_performance_metrics:
        job_context.log(f"Length penalty {length_penalty:g}, template of {len(prompt_template)} characters: not used here")
    yield ""  # the real one ends with an empty piece as well


@standins.model("google-deepmind/gemma-2b-it", version="dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626")
def gemma(
    prompt: Annotated[str, "Prompt to send to the model."],
    max_new_tokens: Annotated[int, "Maximum number of tokens to generate", Between(1)] = 200,
    min_new_tokens: Annotated[int, "Minimum number of tokens to generate. -1 to disable.", Between(-1)] = -1,
    temperature: Annotated[float, Between(0, 5)] = 0.7,
    top_k: Annotated[int, Between(0)] = 50,
    top_p: Share = 0.95,
    repetition_penalty: Annotated[float, Between(0)] = 1.0,
    seed: Seed = None,
) -> Iterator[str]:
    """A stand-in for a small language model, with seven paragraphs of prose instead."""
    chosen = text.seeded(seed, "google-deepmind/gemma-2b-it")
    taste = Taste(temperature, top_k, top_p, repetition_penalty)
    yield from text.counted(text.write(prompt, chosen, taste, max_new_tokens, min_new_tokens), prompt)


@standins.model(
    "stability-ai/stable-diffusion-3",
    version="527d2a6296facb8e47ba1eaf17f142c240c19a30894f437feee9b91cc29d8e4f",
)
def stable_diffusion_3(
    prompt: Prompt,
    negative_prompt: str = "",
    aspect_ratio: Ratio = "1:1",
    cfg: Annotated[float, Between(0, 20)] = 3.5,
    steps: Annotated[int, Between(1, 28)] = 28,
    output_format: Format = "webp",
    output_quality: Quality = 90,
    seed: Seed = None,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    size = images.size_of(aspect_ratio)
    return _paint(prompt, "stability-ai/stable-diffusion-3", seed, 1, size, output_format, output_quality)


@standins.model(
    "bytedance/sdxl-lightning-4step",
    version="5f24084160c9089501c1b3545d9be3c27883ae2239b6f412990e82d4a6210f8f",
)
def sdxl_lightning(
    prompt: Prompt,
    negative_prompt: str = "worst quality, low quality",
    width: Annotated[int, Between(256, 1280)] = 1024,
    height: Annotated[int, Between(256, 1280)] = 1024,
    num_outputs: Count = 1,
    scheduler: Lightning = "K_EULER",
    num_inference_steps: Annotated[int, Between(1, 10)] = 4,
    guidance_scale: Annotated[float, Between(0, 50)] = 0.0,
    seed: Seed = None,
    disable_safety_checker: bool = False,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    return _paint(prompt, "bytedance/sdxl-lightning-4step", seed, num_outputs, (width, height))


@standins.model(
    "playgroundai/playground-v2.5-1024px-aesthetic",
    version="a45f82a1382bed5c7aeb861dac7c7d191b0fdf74d8d57c4a0e6ed7d4d0bf7d24",
)
def playground(
    prompt: Prompt,
    negative_prompt: str = "ugly, deformed, noisy, blurry, distorted",
    width: Annotated[int, Between(256, 1536)] = 1024,
    height: Annotated[int, Between(256, 1536)] = 1024,
    num_outputs: Count = 1,
    scheduler: Playground = "DPMSolver++",
    num_inference_steps: Annotated[int, Between(1, 60)] = 25,
    guidance_scale: Annotated[float, Between(0.1, 20)] = 3.0,
    prompt_strength: Share = 0.8,
    seed: Seed = None,
    apply_watermark: bool = True,
    disable_safety_checker: bool = False,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    return _paint(prompt, "playgroundai/playground-v2.5-1024px-aesthetic", seed, num_outputs, (width, height))


@standins.model("black-forest-labs/flux-schnell")
def flux_schnell(
    prompt: Prompt,
    aspect_ratio: Ratio = "1:1",
    num_outputs: Count = 1,
    num_inference_steps: Annotated[int, Between(1, 4)] = 4,
    seed: Seed = None,
    output_format: Format = "webp",
    output_quality: Quality = 80,
    go_fast: bool = True,
    megapixels: Literal["1", "0.25"] = "1",
    disable_safety_checker: bool = False,
) -> list[Picture]:
    """A stand-in for an image model, which draws a landscape of its own."""
    size = images.size_of(aspect_ratio, float(megapixels))
    return _paint(prompt, "black-forest-labs/flux-schnell", seed, num_outputs, size, output_format, output_quality)


@standins.model("replicate/hello-world")
def hello_world(text: Annotated[str, "Text to prefix with 'hello '"]) -> str:
    """Say hello."""
    return f"hello {text}"


@standins.model("local/always-fails")
def always_fails(prompt: str = "") -> str:
    """Fail, on purpose: to try what a program does then."""
    job_context.log(f"local/always-fails was given {prompt!r}, and is about to fail")
    raise RuntimeError("This model fails on purpose, to show what a failed prediction looks like.")


@standins.model("local/slow")
def slow(seconds: Annotated[float, "How long to work", Between(0, 3600)] = 60) -> str:
    """Work for a while, with progress in the logs: to try waiting and canceling."""
    begun, shown = time.monotonic(), -1
    while True:
        passed = time.monotonic() - begun
        percent = 100 if passed >= seconds else int(100 * passed / seconds)
        if percent > shown:
            job_context.log(f"{percent:3d}%|{'█' * (percent // 10):<10}| {percent}/100")
            shown = percent
        if percent == 100:
            return f"worked for {seconds:g} seconds"
        job_context.check()
        time.sleep(min(0.02, max(0.0, seconds - passed)))


@standins.model("local/trainer", official=False)
def trained(prompt: Prompt = "", seed: Seed = None) -> list[Picture]:
    """A model to train: it and all that are trained from it draw the same landscapes."""
    return _paint(prompt, "local/trainer", seed, 1, (256, 256))


@standins.trainer("local/trainer")
def train(
    input_images: Annotated[Path | None, "An archive of pictures, which is looked at for its size only"] = None,
    steps: Annotated[int, "How many steps to take, of a fiftieth of a second each", Between(1, 10_000)] = 20,
) -> io.BytesIO:
    """Take the steps, with a progress bar in the logs, and give an archive in place of weights."""
    # What leads away from this machine is not fetched, and stays a URL.
    size = input_images.stat().st_size if isinstance(input_images, Path) else 0
    job_context.log(f"stand-in trainer: nothing is learned here from {size} bytes")
    begun = time.monotonic()
    for step in range(1, steps + 1):
        time.sleep(_STEP)
        rate = step / max(time.monotonic() - begun, 1e-6)
        bar = f"{'█' * (10 * step // steps):<10}"
        job_context.log(f"\r{100 * step // steps:3d}%|{bar}| {step}/{steps} [{rate:5.2f}it/s]", end="")
    job_context.log("")
    job_context.metric("training_step_count", steps)
    weights = io.BytesIO()
    with zipfile.ZipFile(weights, "w") as archive:
        archive.writestr("training.json", json.dumps({"steps": steps, "bytes": size}))
    return weights


def _paint(
    prompt: str,
    name: str,
    seed: int | None,
    count: int,
    size: tuple[int, int],
    kind: str = "png",
    quality: int = 80,
) -> list[Picture]:
    chosen = text.seeded(seed, name)
    job_context.log(f"Prompt: {prompt}")
    made = []
    for number in range(count):
        made.append(images.paint(prompt, chosen + number, size, kind, quality))
        job_context.log(f"{100 * (number + 1) // count:3d}%|{'█' * 10}| {number + 1}/{count}")
    job_context.metric("image_count", count)
    return made
