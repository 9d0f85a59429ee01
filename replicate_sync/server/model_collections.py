"""The collections of a server: models that the package brings, by what they make."""

from __future__ import annotations

from typing import NamedTuple


class Collection(NamedTuple):
    """Models that make the same kind of thing.

    Attributes:
        name: Its name, for people.
        slug: Its name in URLs.
        description: One sentence.
        models: The names of the models.
    """

    name: str
    slug: str
    description: str
    models: tuple[str, ...]


COLLECTIONS = (
    Collection(
        "Text models",
        "text-models",
        "Stand-ins for models that write text",
        (
            "meta/meta-llama-3-70b-instruct",
            "google-deepmind/gemma-2b-it",
            "replicate/hello-world",
        ),
    ),
    Collection(
        "Image models",
        "image-models",
        "Stand-ins for models that make pictures",
        (
            "black-forest-labs/flux-schnell",
            "stability-ai/stable-diffusion-3",
            "bytedance/sdxl-lightning-4step",
            "playgroundai/playground-v2.5-1024px-aesthetic",
        ),
    ),
)
