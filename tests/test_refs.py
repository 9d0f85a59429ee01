"""Names of models are read, resolved, and where they are wrong, put right."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.errors import ModelNotFoundError
from replicate_sync.refs import Ref, parse, resolve

VERSION = "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meta/meta-llama-3-70b-instruct", Ref("meta/meta-llama-3-70b-instruct")),
        (f"stability-ai/sdxl:{VERSION}", Ref("stability-ai/sdxl", VERSION)),
        (VERSION, Ref(None, VERSION)),
        ("a/b:dp-1234", Ref("a/b", "dp-1234")),
        ("lucataco/flux.dev_v1.5", Ref("lucataco/flux.dev_v1.5")),
    ],
)
def test_a_reference_is_read_and_written_back(text: str, expected: Ref) -> None:
    assert parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["", "llama", "a/b/c", "../x", "a/b?x=1", "a /b", "a/b:", "ab" * 31, "a/b#c", None, 5, "é/b", "a/.."]
)
def test_what_names_no_model_is_refused_before_a_url_is_made_of_it(text: Any) -> None:
    with pytest.raises(ModelNotFoundError):
        parse(text)


def test_an_alias_is_resolved_and_a_full_name_passes() -> None:
    assert resolve("sd-3", {"sd-3": "stability-ai/stable-diffusion-3"}) == "stability-ai/stable-diffusion-3"
    assert resolve("me/mine", {"sd-3": "x/y"}) == "me/mine"


def test_a_misspelt_alias_is_told_the_nearest_one() -> None:
    with pytest.raises(ModelNotFoundError, match="Did you mean 'gemma-2b'"):
        resolve("gema-2b", {"gemma-2b": "google-deepmind/gemma-2b-it", "sd-3": "stability-ai/stable-diffusion-3"})
    with pytest.raises(LookupError, match="Known here: gemma-2b"):
        resolve("zzz", {"gemma-2b": "google-deepmind/gemma-2b-it"})
