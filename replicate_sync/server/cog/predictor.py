"""Where a Cog predictor is, and what it accepts and returns."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TypedDict

from ..json_types import JSONObject
from ..schemas import Schema

MAX_OUTPUT_LINES = 40
"""How many lines of a program's output an error shows."""

_MISSING_COG = re.compile(r"No module named '(cog|coglet)'")


class CogError(RuntimeError):
    """A predictor that cannot be served.

    Args:
        message: Why, as a sentence.
        output: The end of what the predictor wrote.

    Attributes:
        output: The end of what the predictor wrote, "" where that is unknown.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class Signature(TypedDict):
    """What a predictor accepts and returns.

    Attributes:
        document: An OpenAPI document.
        slots: How many predictions it runs at a time.
    """

    document: Schema
    slots: int


class Predictor:
    """Where a predictor is.

    Args:
        given: Its file and the name of its class or function, such as "predict.py:Predictor", or a
            folder with a cog.yaml that names them.

    Attributes:
        folder: The folder of its project, in which it runs.
        reference: Its file and name, from there.
        slots: How many predictions its cog.yaml allows at a time, or None.
        trainer: The file and name of what trains the model by its cog.yaml, or None.

    Raises:
        CogError: It does not exist, or its cog.yaml cannot be read.
    """

    def __init__(self, given: str) -> None:
        path, colon, name = given.partition(":")
        file = Path(path).expanduser().absolute()
        if file.is_dir():
            configured = _configured_predictor(file)
            path, colon, name = configured.partition(":")
            file /= path
        if not file.is_file():
            raise CogError(
                f"There is no predictor at {given}: "
                "give its file and class, such as predict.py:Predictor."
            )
        # Cog runs a predictor in the folder of its project, which is where the cog.yaml is.
        projects = [folder for folder in file.parents if (folder / "cog.yaml").is_file()]
        self.folder: Path = projects[0] if projects else file.parent
        self.reference: str = f"{file.relative_to(self.folder)}{colon}{name}"
        config = _read_config(self.folder)
        self.slots: int | None = _configured_slots(config, self.folder)
        self.trainer: str | None = _configured_trainer(config)

    def signature(self) -> Signature:
        """Return what it accepts and returns, as the program `signature` finds it.

        Raises:
            CogError: It cannot be imported, or Cog is not installed.
        """
        import subprocess  # late, as few servers have a predictor

        command = [sys.executable, "-c", program_text("signature"), self.reference]
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=program_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        error = f"its program ended with exit code {ran.returncode}"  # ended by what it imports
        try:
            result = json.loads(ran.stdout)
            error = result.get("error", "")
        except ValueError:
            result = {}
        if not error:
            return Signature(document=result["document"], slots=result["slots"])
        if _MISSING_COG.search(error):
            raise CogError(
                "Serving a predictor needs Cog as it is known here: "
                "pip install cog==0.23.1 coglet==0.23.1"
            )
        lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        message = f"{self.reference} cannot be loaded: {as_sentence(error)}"
        raise CogError(message, "\n".join(lines[-MAX_OUTPUT_LINES:]))


def program_text(name: str) -> str:
    """Return the text of a program of this package.

    It is passed as text: run from its file, it would find the modules beside it before those that
    it imports.
    """
    return Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")


def program_environment() -> dict[str, str]:
    """Return the environment of a program of this package."""
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def as_sentence(text: str) -> str:
    """Return a text with a period, where it does not end a sentence already."""
    if text.endswith((".", "!", "?")):
        return text
    return f"{text}."


def _configured_predictor(folder: Path) -> str:
    config = _read_config(folder)
    reference = config.get("run") or config.get("predict")
    if not isinstance(reference, str):
        raise CogError(
            f"No cog.yaml in {folder} names a predictor: give its file and class instead."
        )
    return reference


def _configured_trainer(config: JSONObject) -> str | None:
    reference = config.get("train")
    return reference if isinstance(reference, str) else None


def _configured_slots(config: JSONObject, folder: Path) -> int | None:
    """Return `max` of `concurrency`; `default_target`, for scaling, says nothing here."""
    concurrency = config.get("concurrency")
    if concurrency is None:
        return None
    slots = concurrency.get("max", 1) if isinstance(concurrency, dict) else None
    if not isinstance(slots, int) or isinstance(slots, bool) or slots < 1:
        raise CogError(
            f"The concurrency in {folder / 'cog.yaml'} is no number of at least 1 under max."
        )
    return slots


def _read_config(folder: Path) -> JSONObject:
    """Return the content of a folder's cog.yaml; it is empty where there is none."""
    file = folder / "cog.yaml"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return {}
    try:
        import yaml
    except ImportError:
        raise CogError("Reading cog.yaml needs PyYAML: pip install PyYAML") from None
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CogError(f"{file} is no YAML.", str(error)) from error
    if not isinstance(config, dict):
        return {}
    return config
