"""Models to try things with: one that says hello, one that fails, one that is slow, a trainer."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Annotated

from .. import job_context
from ..models import builtin
from ..schemas import Between
from .image_models import draw_pictures
from .images import Picture

STEP_SECONDS = 0.02
"""How long each step of a training takes."""

_POLL_INTERVAL = 0.02  # seconds
Seed = "Random seed. Leave blank to randomize the seed"
Steps = "How many steps to take, of a fiftieth of a second each"
Archive = "An archive of pictures, of which only the size matters"


@builtin.model("replicate/hello-world")
def hello_world(text: Annotated[str, "Text to prefix with 'hello '"]) -> str:
    """Say hello."""
    return f"hello {text}"


@builtin.model("local/always-fails")
def always_fails(prompt: str = "") -> str:
    """Fail, on purpose: to try what a program does then."""
    job_context.log(f"local/always-fails was given {prompt!r}, and is about to fail")
    raise RuntimeError("This model fails on purpose, to show what a failed prediction looks like.")


@builtin.model("local/slow")
def slow(seconds: Annotated[float, "How long to work", Between(0, 3600)] = 60) -> str:
    """Work for a while, with progress in the logs: to try waiting and canceling."""
    started_at = time.monotonic()
    logged = -1
    while True:
        elapsed = time.monotonic() - started_at
        percent = 100
        if elapsed < seconds:
            percent = int(100 * elapsed / seconds)
        if percent > logged:
            job_context.log(f"{percent:3d}%|{'█' * (percent // 10):<10}| {percent}/100")
            logged = percent
        if percent == 100:
            return f"worked for {seconds:g} seconds"
        job_context.raise_if_canceled()
        time.sleep(min(_POLL_INTERVAL, max(0.0, seconds - elapsed)))


@builtin.model("local/trainer", official=False)
def trained(
    prompt: Annotated[str, "Input prompt"] = "",
    seed: Annotated[int | None, Seed] = None,
) -> list[Picture]:
    """A model to train: it and all that are trained from it draw the same landscapes."""
    return draw_pictures(prompt, "local/trainer", seed, 1, (256, 256))


@builtin.trainer("local/trainer")
def train(
    input_images: Annotated[Path | None, Archive] = None,
    steps: Annotated[int, Steps, Between(1, 10_000)] = 20,
) -> io.BytesIO:
    """Take the steps, with a progress bar in the logs, and return an archive instead of weights."""
    import zipfile  # late, as few models are trained

    size = 0
    if isinstance(input_images, Path):  # a file of another machine is not fetched, and stays a URL
        size = input_images.stat().st_size
    job_context.log(f"stand-in trainer: nothing is learned here from {size} bytes")
    started_at = time.monotonic()
    for step in range(1, steps + 1):
        time.sleep(STEP_SECONDS)
        rate = step / max(time.monotonic() - started_at, 1e-6)
        percent = 100 * step // steps
        bar = f"{'█' * (10 * step // steps):<10}"
        line = f"{percent:3d}%|{bar}| {step}/{steps} [{rate:5.2f}it/s]"
        job_context.log(f"\r{line}", end="")
    job_context.log("")
    job_context.metric("training_step_count", steps)
    weights = io.BytesIO()
    with zipfile.ZipFile(weights, "w") as archive:
        archive.writestr("training.json", json.dumps({"steps": steps, "bytes": size}))
    return weights
