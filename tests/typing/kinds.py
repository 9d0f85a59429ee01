"""What a type checker knows of results; it is checked by mypy, and not run."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from typing_extensions import assert_type

import replicate_sync
from replicate_sync import FileOutput, ImageOutput, Prediction, Replicate, ReplicateHome
from replicate_sync.resources.named import Models

client, home = Replicate(), ReplicateHome()
any_name: str = client.get_model()

assert_type(client.run("meta/meta-llama-3-70b-instruct", {"prompt": "Hello"}), str)
assert_type(client.run("flux-schnell", {"prompt": "a lighthouse"}, progress=True), list[FileOutput])
assert_type(client.run(any_name), Any)
assert_type(replicate_sync.run("llama-3-70b"), str)
assert_type(replicate_sync.run("black-forest-labs/flux-schnell"), list[FileOutput])
assert_type(client.chat("Hello"), Generator[str, None, None])
assert_type(client.predictions.create(any_name).wait(progress=True), Prediction)
assert_type(Replicate.models, list[str])
assert_type(client.models, Models)
assert_type(home.image("a lighthouse"), ImageOutput)
assert_type(ReplicateHome.create_completion("gemma-2b", "Hello"), str)
assert_type(ReplicateHome.create_completion("sdxl", "a lighthouse"), ImageOutput)
assert_type(ReplicateHome.create_completion(any_name, "Hello"), str | ImageOutput)
assert_type(replicate_sync.show(client.chat("Hello")), str)
