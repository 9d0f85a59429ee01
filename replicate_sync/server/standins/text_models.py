"""Stand-ins for language models.

They have the inputs of the real ones, but no model to sample from: the inputs that would shape the
sampling are validated and have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from .. import job_context
from ..models import builtin
from ..schemas import Between
from . import text

LLAMA = "meta/meta-llama-3-70b-instruct"
GEMMA = "google-deepmind/gemma-2b-it"
_GEMMA_VERSION = "dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626"

Share = Annotated[float, Between(0, 1)]
Seed = Annotated["int | None", "Random seed. Leave blank to randomize the seed"]
Tokens = "Maximum number of tokens to generate"
MinTokens = "Minimum number of tokens to generate. -1 to disable."


@builtin.model(LLAMA)
def llama(
    prompt: Annotated[str, "Input prompt"],
    system_prompt: str = "You are a helpful assistant",
    max_tokens: Annotated[int, Tokens, Between(1)] = 512,
    min_tokens: Annotated[int, "Minimum number of tokens to generate", Between(0)] = 0,
    temperature: Annotated[float, Between(0, 5)] = 0.7,
    top_p: Share = 0.95,
    top_k: Annotated[int, Between(0)] = 0,
    stop_sequences: Annotated[
        str, "A comma-separated list of sequences to stop at"
    ] = "<|end_of_text|>,<|eot_id|>",
    presence_penalty: float = 0.0,
    frequency_penalty: float = 0.2,
    length_penalty: float = 1.0,
    prompt_template: str = "{prompt}",
    seed: Seed = None,
    log_performance_metrics: bool = False,
) -> Iterator[str]:
    """A stand-in for a language model of 70 billion parameters, with prose of its own instead."""
    chosen = text.choose_seed(seed, LLAMA)
    words = text.write(prompt, chosen, max_tokens, min_tokens)
    stopped = text.stop_at(words, stop_sequences.split(","))
    yield from text.measure(stopped, f"{system_prompt} {prompt}")
    if log_performance_metrics:
        job_context.log(
            f"Length penalty {length_penalty:g}, "
            f"template of {len(prompt_template)} characters: not used here"
        )
    yield ""  # the real one ends with an empty piece as well


@builtin.model(GEMMA, version=_GEMMA_VERSION)
def gemma(
    prompt: Annotated[str, "Prompt to send to the model."],
    max_new_tokens: Annotated[int, Tokens, Between(1)] = 200,
    min_new_tokens: Annotated[int, MinTokens, Between(-1)] = -1,
    temperature: Annotated[float, Between(0, 5)] = 0.7,
    top_k: Annotated[int, Between(0)] = 50,
    top_p: Share = 0.95,
    repetition_penalty: Annotated[float, Between(0)] = 1.0,
    seed: Seed = None,
) -> Iterator[str]:
    """A stand-in for a small language model, with prose of its own instead."""
    chosen = text.choose_seed(seed, GEMMA)
    words = text.write(prompt, chosen, max_new_tokens, min_new_tokens)
    yield from text.measure(words, prompt)
