"""What a person does with the command `llm`, whose models are those of a YAML file."""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile

from scenarios import run

HOME = tempfile.mkdtemp()
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MODELS = """
- model_id: bees
  model_name: gpt-4o-mini
  api_base: {url}
  vision: true
- model_id: whole
  model_name: anthropic/claude-4-sonnet
  api_base: {url}
  can_stream: false
"""
pathlib.Path(HOME, "extra-openai-models.yaml").write_text(
    MODELS.format(url=os.environ["OPENAI_BASE_URL"])
)


def llm(*words):
    environment = {**os.environ, "LLM_USER_PATH": HOME}
    command = [sys.executable, "-m", "llm", *words, "--key", "any"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def it_streams():
    assert llm("-m", "bees", "Bees?").startswith("I was given 1 message")


def it_waits_for_the_whole():
    assert llm("-m", "whole", "Bees?", "-s", "Be brief.").startswith("My system prompt is")


def it_attaches_a_picture():
    picture = pathlib.Path(HOME, "pixel.png")
    picture.write_bytes(PIXEL)
    assert "a PNG of 1 × 1 pixels" in llm("-m", "bees", "What?", "-a", str(picture))


def it_goes_on_with_a_conversation():
    llm("-m", "bees", "Bees?")
    assert "3 messages" in llm("-c", "And now?")


run(globals())
