"""Models as functions of a Python module: what is written, and what type checkers make of it."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cli_runner import invoke
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import replicate_sync
from replicate_sync import FileOutput, Replicate
from replicate_sync.cli.stubs import Stub, module_source
from replicate_sync.payloads.schemas import ModelSchema
from replicate_sync.refs import ModelRef, parse
from replicate_sync.server import LocalServer

FLUX = "black-forest-labs/flux-schnell"
LLAMA = "meta/meta-llama-3-70b-instruct"
COUNT = 200


def loaded(source: str, folder: Path) -> ModuleType:
    """Return a module of this source."""
    path = folder / "models.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stub(name: str, properties: Any = None, output: Any = None, **schemas: Any) -> Stub:
    """Return a model with these inputs and this output."""
    inputs = {"properties": properties or {}, "required": schemas.pop("required", [])}
    raw = {"Input": inputs, "Output": output or {}, **schemas}
    return Stub(parse(name), ModelSchema.parse(raw))


@pytest.mark.slow
def test_a_module_is_written_whose_functions_run_models(
    server: LocalServer, tmp_path: Path
) -> None:
    path = tmp_path / "written.py"
    assert invoke("models", "stub", FLUX, LLAMA, "-o", path).exit_code == 0
    module = loaded(path.read_text(encoding="utf-8"), tmp_path)
    [picture] = module.flux_schnell(prompt="a hill", megapixels="0.25", seed=None)
    assert isinstance(picture, FileOutput)
    client = Replicate()
    assert isinstance(module.meta_llama_3_70b_instruct(prompt="x", client=client), str)
    signature = inspect.signature(module.flux_schnell)
    assert signature.parameters["num_outputs"].annotation == "Annotated[int, '1 to 4'] | None" or (
        signature.parameters["num_outputs"].annotation == 'Annotated[int, "1 to 4"] | None'
    )
    assert "num_outputs: The input 'num_outputs'. 1 to 4. Default: 1." in str(
        module.flux_schnell.__doc__
    )


def test_writing_it_again_changes_nothing(server: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    invoke("models", "stub", FLUX, LLAMA, "-o", path)
    first = path.read_bytes()
    invoke("models", "stub", FLUX, LLAMA, "-o", path)
    assert path.read_bytes() == first
    assert b"replicate-sync models stub black-forest-labs/flux-schnell" in first
    assert str(tmp_path).encode() not in first


@pytest.mark.slow
def test_a_version_is_pinned_where_it_is_asked_for(server: LocalServer) -> None:
    version = Replicate().models.get(FLUX).latest_version
    assert f'"{FLUX}",' in invoke("models", "stub", FLUX).stdout
    assert f'"{FLUX}:{version}",' in invoke("models", "stub", FLUX, "--pin").stdout
    assert f'"{FLUX}:{version}",' in invoke("models", "stub", f"{FLUX}:{version}").stdout
    assert json.loads(invoke("models", "stub", FLUX, "--json").stdout)["source"]


def test_a_model_that_is_not_there_writes_nothing(server: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    assert invoke("models", "stub", FLUX, "no/such", "-o", path).exit_code != 0
    assert not path.exists()
    assert invoke("models", "stub", "0" * 64).exit_code == 2


def test_names_that_are_no_identifiers_are_handled(tmp_path: Path) -> None:
    properties = {
        "image-1": {"type": "string"},
        "class": {"type": "integer"},
        "list": {"type": "string"},
        "client": {"type": "string"},
        "inputs": {"type": "string"},
        "2d": {"type": "boolean"},
    }
    source = module_source(
        [
            stub("a/list", properties, {"type": "array", "items": {"type": "string"}}),
            stub("a/2d-model"),
            stub("a/same"),
            stub("b/same"),
            stub("a/class"),
            stub("a/Any"),
            stub(f"c/run:{'0' * 64}"),
        ],
        "command",
    )
    module = loaded(source, tmp_path)
    functions = [name for name, value in vars(module).items() if inspect.isfunction(value)]
    assert functions == [
        "list_", "_2d_model", "a_same", "b_same", "class_", "Any_", "run", "_run",
    ]  # fmt: skip
    parameters = list(inspect.signature(module.list_).parameters)
    assert parameters == ["image_1", "class_", "list_", "client_", "inputs", "_2d", "client"]
    sent: dict[str, Any] = {}

    class Client:
        def run(self, model: str, given: dict[str, Any], expect: Any) -> None:
            sent.update(given, model=model)

    module.list_(image_1="a", list_="b", client_="c", client=Client())
    assert sent == {"image-1": "a", "list": "b", "client": "c", "model": "a/list"}


def test_texts_of_a_schema_end_no_docstring_and_no_literal(tmp_path: Path) -> None:
    wicked = 'a """ b \\ c \n d \x00 \ud800 \' " {x} \\'
    properties = {
        "text": {"type": "string", "description": wicked, "default": wicked},
        "choice": {"type": "string", "enum": [wicked, "plain", "'"]},
    }
    module = loaded(module_source([stub("a/b", properties)], f"command {wicked}"), tmp_path)
    assert wicked in ast.literal_eval(
        inspect.signature(module.b).parameters["choice"].annotation.partition("Literal")[2]
        .partition(" | None")[0]
    )  # fmt: skip


names = st.one_of(
    st.sampled_from(["prompt", "list", "str", "class", "client", "inputs", "self", "type", "_run"]),
    st.text(min_size=1, max_size=12).filter(str.strip),
)
words = st.text(max_size=60)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), words)
types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "", "odd"])


@st.composite
def input_schemas(draw: st.DrawFn) -> dict[str, Any]:
    """Return what a schema says of an input."""
    schema: dict[str, Any] = {"type": draw(types), "x-order": draw(st.integers(0, 9))}
    options = {
        "format": st.just("uri"),
        "description": words,
        "default": scalars,
        "enum": st.lists(
            st.one_of(words, st.integers(-9, 9), st.booleans(), st.floats()), max_size=4
        ),
        "minimum": st.integers(-5, 5),
        "maximum": st.floats(0, 9),
        "items": st.fixed_dictionaries({"type": types}),
    }
    for name, strategy in options.items():
        if draw(st.integers(0, 2)) == 0:
            schema[name] = draw(strategy)
    return schema


output_schemas = st.recursive(
    st.fixed_dictionaries({"type": types}, optional={"format": st.just("uri")}),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"x-cog-array-display": st.just("concatenate")},
    ),
    max_leaves=3,
)


@st.composite
def schemas(draw: st.DrawFn) -> ModelSchema:
    """Return a model's schema, as odd as schemas may be."""
    properties = draw(st.dictionaries(names, input_schemas(), max_size=5))
    required = [name for name in properties if draw(st.booleans())]
    return ModelSchema.parse(
        {
            "Input": {"properties": properties, "required": required},
            "Output": draw(output_schemas),
        }
    )


@pytest.mark.slow
@given(schemas())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_schema_says_is_valid_python(schema: ModelSchema) -> None:
    source = module_source([Stub(ModelRef("a/b"), schema)], "command")
    tree = ast.parse(source.encode("utf-8"))
    [function] = [node for node in tree.body if getattr(node, "name", "") == "b"]
    assert ast.get_docstring(function)  # type: ignore[arg-type]


def many_schemas() -> list[ModelSchema]:
    """Return 200 schemas, always the same ones."""
    found: list[ModelSchema] = []

    @settings(
        max_examples=COUNT,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schemas())
    def collect(schema: ModelSchema) -> None:
        found.append(schema)

    collect()
    return found[:COUNT]


MISUSE = """
import models

models.flux_schnell()  # wrong: prompt is missing
models.flux_schnell(prompt=5)  # wrong
models.flux_schnell(prompt="x", num_outputs="2")  # wrong
models.flux_schnell(prompt="x", megapixels="3")  # wrong
models.flux_schnell(promt="x")  # wrong
text: str = models.flux_schnell(prompt="x")  # wrong
models.flux_schnell(prompt="x", num_outputs=2, megapixels="1")
pictures = models.flux_schnell(prompt="x")
content: bytes = pictures[0].read()
answer: str = models.meta_llama_3_70b_instruct(prompt="x", temperature=0.5)
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the stubs of 200 schemas, and of the stand-ins, and with misuse."""
    folder = tmp_path_factory.mktemp("stubs")
    stubs = [
        Stub(ModelRef(f"made/model-{number}"), schema)
        for number, schema in enumerate(many_schemas())
    ]
    assert len(stubs) == COUNT
    (folder / "many.py").write_text(module_source(stubs, "command"), encoding="utf-8")
    with LocalServer() as server:
        client = Replicate(server.token, base_url=server.url)
        standins = [str(model) for model in client.models.list() if model.latest_version]
        known = [Stub(parse(name), client.use(name).schema) for name in standins]
    (folder / "models.py").write_text(module_source(known, "command"), encoding="utf-8")
    (folder / "misuse.py").write_text(MISUSE, encoding="utf-8")
    return folder


def wrong_lines(output: str) -> set[int]:
    """Return the lines of the misuse that a type checker complains of."""
    return {
        int(line.split("misuse.py:")[1].split(":")[0])
        for line in output.splitlines()
        if "misuse.py:" in line and "error" in line
    }


WRONG = {number for number, line in enumerate(MISUSE.splitlines(), 1) if "# wrong" in line}
ROOT = str(Path(replicate_sync.__file__).parent.parent)


@pytest.mark.slow
def test_mypy_accepts_the_stubs_and_flags_what_is_wrong(checked: Path) -> None:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    environment = {**os.environ, "MYPYPATH": ROOT}
    ran = subprocess.run(
        [*command, "--cache-dir", str(checked / "cache"), "many.py", "models.py", "misuse.py"],
        cwd=checked, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    complaints = [line for line in ran.stdout.splitlines() if "error" in line and ".py:" in line]
    assert [line for line in complaints if not line.startswith("misuse.py")] == []
    assert wrong_lines(ran.stdout) == WRONG


@pytest.mark.slow
def test_pyright_accepts_the_stubs_and_flags_what_is_wrong(checked: Path) -> None:
    pytest.importorskip("pyright")
    settings = {"typeCheckingMode": "strict", "extraPaths": [ROOT], "include": ["*.py"]}
    (checked / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
        cwd=checked, capture_output=True, text=True,
    )  # fmt: skip
    complaints = [line for line in ran.stdout.splitlines() if "error" in line and ".py:" in line]
    assert [line for line in complaints if "misuse.py" not in line] == []
    assert wrong_lines(ran.stdout) == WRONG
