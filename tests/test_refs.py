"""Names of models are parsed, resolved, and where they are wrong, the nearest ones are named."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.exceptions import ModelNotFoundError
from replicate_sync.refs import (
    ModelRef,
    is_name,
    parse,
    parse_name,
    parse_version,
    resolve,
    unknown_model_error,
)

VERSION = "ab" * 32
GEMMA = "google-deepmind/gemma-2b-it"
ALIASES = {"gemma-2b": GEMMA, "sd-3": "stability-ai/stable-diffusion-3"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meta/meta-llama-3-70b-instruct", ModelRef("meta/meta-llama-3-70b-instruct")),
        (f"stability-ai/sdxl:{VERSION}", ModelRef("stability-ai/sdxl", VERSION)),
        (VERSION, ModelRef(None, VERSION)),
        ("a/b:dp-1234", ModelRef("a/b", "dp-1234")),
        ("deployments/acme/upscaler", ModelRef(None, deployment="acme/upscaler")),
        ("deployments/upscaler", ModelRef("deployments/upscaler")),
        ("lucataco/flux.dev_v1.5", ModelRef("lucataco/flux.dev_v1.5")),
    ],
)
def test_a_reference_is_parsed_and_printed_as_it_was(text: str, expected: ModelRef) -> None:
    assert parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "llama",
        "a/b/c",
        "deployments/a/b:c",
        "deployments/a/..",
        "deployments/deployments/a/b",
        "../x",
        "a/b?x=1",
        "a /b",
        "a/b:",
        "ab" * 31,
        VERSION.upper(),
        "a/b#c",
        "a/b\n",
        None,
        5,
        "é/b",
        "a/..",
        "a/b:.",
        "a/b:..",
        "a/b:../c",
        "a/b:c/..",
        "a/b:%2e%2e",
    ],
)
def test_what_names_no_model_is_refused_before_it_is_part_of_a_url(text: Any) -> None:
    for function in (parse, parse_name, parse_version, lambda name: resolve(name, ALIASES)):
        with pytest.raises(ModelNotFoundError):
            function(text)


def test_an_alias_is_resolved_and_a_full_name_passes() -> None:
    assert resolve("sd-3", ALIASES) == ModelRef("stability-ai/stable-diffusion-3")
    assert resolve("me/mine", ALIASES) == ModelRef("me/mine")
    assert resolve(f"me/mine:{VERSION}", ALIASES) == ModelRef("me/mine", VERSION)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a/b", True), (f"a/b:{VERSION}", False), (VERSION, False), (5, False), (None, False)],
)
def test_a_name_is_an_owner_and_a_name_without_a_version(text: object, expected: bool) -> None:
    assert is_name(text) is expected


@pytest.mark.parametrize("text", [5, None, ["a/b"], {"a": "b"}])
def test_what_is_no_string_is_no_alias(text: Any) -> None:
    with pytest.raises(ModelNotFoundError) as raised:
        resolve(text, ALIASES)
    assert raised.value.message == f"{text!r} does not name a model."


def test_an_alias_may_name_a_version() -> None:
    assert resolve("mine", {"mine": f"me/mine:{VERSION}"}) == ModelRef("me/mine", VERSION)


def test_for_a_misspelled_alias_the_nearest_ones_are_named() -> None:
    with pytest.raises(ModelNotFoundError, match=r"Did you mean 'gemma-2b'") as raised:
        resolve("gema-2b", ALIASES)
    assert raised.value.message == "'gema-2b' does not name a model."
    assert raised.value.hint == "Did you mean 'gemma-2b'?"


def test_up_to_three_near_names_are_named_the_nearest_first() -> None:
    known = [f"model-{letter}" for letter in "abcd"]
    error = unknown_model_error("model-", known, "What happened.")
    assert error.message == "What happened."
    assert error.hint == "Did you mean 'model-d' or 'model-c' or 'model-b'?"
    assert unknown_model_error("llma", ["llama3"], "x").hint == "Did you mean 'llama3'?"
    assert unknown_model_error("gpt5", ["gpt-4.1"], "x").hint == "Did you mean 'gpt-4.1'?"
    assert unknown_model_error("abcd", ["abxyz1"], "x").hint == "Known here: abxyz1."
    assert unknown_model_error("x", [], "What happened.").hint == ""


def test_where_none_is_near_the_form_of_a_name_and_the_known_ones_are_named() -> None:
    with pytest.raises(LookupError, match=r"owner/name.* Known here: gemma-2b, google-deepmind"):
        resolve("zzz", {"gemma-2b": GEMMA})
    with pytest.raises(ModelNotFoundError) as raised:
        resolve("zzz", {})
    assert raised.value.hint == (
        "Write 'owner/name', 'owner/name:version', a version id of 64 hex digits, or "
        "'deployments/owner/name'."
    )


def test_an_operation_on_a_model_takes_no_version() -> None:
    assert parse_name("a/b") == "a/b"
    for text in (f"a/b:{VERSION}", VERSION):
        with pytest.raises(ModelNotFoundError, match="not of the form 'owner/name'"):
            parse_name(text)


def test_an_operation_on_a_version_needs_both() -> None:
    assert parse_version("a/b:c") == ModelRef("a/b", "c")
    for text in ("a/b", VERSION):
        with pytest.raises(ModelNotFoundError, match="not of the form 'owner/name:version'"):
            parse_version(text)
