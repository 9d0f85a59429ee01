"""The code that a page shows runs, and does the same as its form."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from replicate_sync.server import LocalServer
from replicate_sync.server.web.snippets import write_snippets

INPUT = {
    "text": "quotes \" ' and \\ and $HOME `x`\nand é \u2028 ☃",
    "flag": True,
    "number": 1.5,
    "list": ["a", {"b": False}],
    "long": ["x" * 50, "y" * 50],
    "empty": {},
}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("official", [False, True])
def test_the_python_code_runs(local: LocalServer, streams: bool, official: bool) -> None:
    if streams:
        local.script("me/any", tokens=["a", "b"])
    else:
        local.script("me/any", output="ab")
    model = local.models.get("me/any")
    assert model is not None
    model = replace(model, official=official)
    local.models.add(model)
    code = write_snippets(model, INPUT, local.url, local.token).python
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "snippet", "exec"), {})
    assert printed.getvalue().strip() == "ab"
    sent: Any = local.requests.to("POST *")[-1].json
    assert sent["input"] == INPUT


def test_the_curl_code_is_one_command_of_a_shell(local: LocalServer) -> None:
    local.script("me/any", output="ab")
    model = local.models.get("me/any")
    assert model is not None
    code = write_snippets(model, INPUT, local.url, local.token).curl
    # `curl` as a function that prints its arguments.
    script = f"curl() {{ for word; do printf '%s\\0' \"$word\"; done; }}\n{code}"
    out = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
    words = out.decode().split("\0")
    assert f"{local.url}/models/me/any/predictions" in words
    assert json.loads(words[words.index("-d") + 1]) == {"input": INPUT}
