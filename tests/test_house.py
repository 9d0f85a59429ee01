"""The house keeps its shape: imports point down, each foreign library has one owner, and a request takes few steps."""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from pathlib import Path

import responses

import replicate_sync
from replicate_sync import Replicate

HOME = Path(replicate_sync.__file__).parent
SERVER = "server"
CLI = "cli"

# From the ground up; a module may import what stands below its own floor, and nothing else of ours.
FLOORS: dict[str, set[str]] = {
    "facts": {"version", "errors"},
    "words": {
        "settings",
        "deadlines",
        "refs",
        "prompts",
        "parameters",
        "transcript",
        "schemas",
        "multipart",
        "logs",
    },
    "what is shown": {"display", "markdown"},
    "where it is shown": {"notebook"},
    "as it goes on": {"bars"},
    "shapes": {"answers", "bodies", "faults", "files", "connections", "records", "webhooks"},
    "values": {"inputs", "outputs"},
    "tools": {"polling", "sse", "fetching", "batch", "journal"},
    "the API": {"transport"},
    "listening": {"listening", "nouns", "catalog", "verdicts"},
    "what takes time": {"predictions"},
    "what takes longer": {"trainings"},
    "what costs": {"creating"},
    "what can be run": {"runnable"},
    "what can be named": {"resources"},
    "many at a time": {"runs", "doors"},
    "doors": {"client", "homepage"},
    "the machine's own": {"offline"},
    "the shell": {"cli", "pytest_plugin"},
    "the way in": {"__init__", "__main__"},
}
OWNERS = {
    # Both are used to send and fetch, on `connections` that it mounts; `faults` reads what they raise, and the doors name
    # requests.Session in a type. The server speaks to Cog with it, in `cog_client`.
    "requests": {"transport", "fetching", "connections", "faults", "client", "homepage", SERVER},
    "urllib3": {"fetching", "connections", "faults"},
    "tenacity": {"polling"},
    "sseclient": {"sse"},
    "click": {CLI},
    "pytest": {"pytest_plugin"},
    "tqdm": {"bars"},
    "typing_extensions": {"client", "__init__"},  # for type checkers only
    "google.colab.userdata": {"settings"},  # where it is loaded already
    "flask": {SERVER},
    "werkzeug": {SERVER},
    "cog": {SERVER},  # in `cog_signature`, a program of its own
    "PIL": {SERVER, "inputs", "files"},  # late, where a picture is really made or wanted
}


def modules() -> dict[str, ast.Module]:
    """Every module by its name; those of the server's package count as one."""
    found = {path.stem: ast.parse(path.read_text()) for path in HOME.glob("*.py")}
    for package in (SERVER, CLI):
        if (HOME / package).is_dir():
            parts = [ast.parse(path.read_text()) for path in sorted((HOME / package).glob("*.py"))]
            found[package] = ast.Module(
                [statement for part in parts for statement in part.body], []
            )
    return found


def imported(name: str, tree: ast.Module) -> tuple[set[str], set[str]]:
    """The modules of ours, and the foreign packages, that a module imports anywhere in it; a package may use its parts."""
    ours, foreign = set(), set()
    top = 2 if name in (SERVER, CLI) else 1
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            foreign |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            foreign.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == top:
            ours |= (
                {node.module.partition(".")[0]}
                if node.module
                else {alias.name for alias in node.names}
            )
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            first = node.args[0]
            if name == "__init__" and isinstance(first, ast.JoinedStr):
                continue  # it stands above all, and gives whatever it is asked for
            assert isinstance(first, ast.Constant)
            (ours if first.value.startswith(".") else foreign).add(first.value.lstrip("."))
    return ours, foreign - {"replicate_sync"}


def test_imports_point_to_a_lower_floor() -> None:
    height = {name: floor for floor, names in enumerate(FLOORS.values()) for name in names}
    height[SERVER] = -1  # an independent reading of the API: it imports nothing of ours
    trees = modules()
    assert set(trees) <= set(height), "a new module needs a floor"
    for name, tree in trees.items():
        ours, foreign = imported(name, tree)
        assert "replicate_sync" not in foreign
        if name == SERVER:
            assert ours == set()
        else:
            assert {other for other in ours if height[other] >= height[name]} == set(), (
                f"{name} imports upwards"
            )


def test_each_foreign_library_has_its_owner() -> None:
    for name, tree in modules().items():
        for library in imported(name, tree)[1] - set(sys.stdlib_module_names):
            assert name in OWNERS[library], f"{name} imports {library}"


def test_no_module_and_no_class_is_named_for_nothing() -> None:
    names = {path.stem for path in HOME.rglob("*.py")} | {
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    assert not {
        name
        for name in names
        if any(word in name.lower() for word in ("util", "helper", "manager", "misc"))
    }


def test_all_that_is_public_is_documented() -> None:
    for name, tree in modules().items():
        assert ast.get_docstring(tree) or name == SERVER, name
        classes = [
            n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and not n.name.startswith("_")
        ]
        for body, of in [(tree.body, name), *((c.body, c.name) for c in classes if not c.bases)]:
            undocumented = [
                n.name
                for n in body
                if isinstance(n, ast.FunctionDef | ast.ClassDef)
                and not ast.get_docstring(n)
                and not any(getattr(d, "id", "") == "overload" for d in n.decorator_list)
            ]
            assert [n for n in undocumented if not n.startswith("_")] == [], of
    assert all(
        getattr(replicate_sync, name).__doc__
        for name in replicate_sync.__all__
        if name != "__version__"
    )


def test_the_root_gives_what_it_promises() -> None:
    assert all(hasattr(replicate_sync, name) for name in replicate_sync.__all__)
    assert sorted(replicate_sync.__all__) == replicate_sync.__all__
    assert not set(replicate_sync.__all__) & set(dir(builtins))


def loaded(line: str) -> set[str]:
    code = f"import sys; {line}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, text=True
        ).stdout.split()
    )


def test_importing_takes_what_requests_takes_and_nothing_else() -> None:
    ours = loaded("from replicate_sync import Polling, Replicate, ReplicateHome, Retries")
    foreign = {name for name in ours if name.partition(".")[0] != "replicate_sync"}
    assert foreign - loaded("import requests, sseclient") <= {"secrets"}
    assert not {"replicate_sync.server", "replicate_sync.cli"} & ours


def test_importing_the_package_alone_takes_not_even_that() -> None:
    assert not {"requests", "urllib3", "json", "replicate_sync.client"} & loaded(
        "import replicate_sync"
    )


@responses.activate
def test_one_warm_get_takes_few_steps_in_few_files() -> None:
    responses.get(
        "https://api.replicate.com/v1/predictions/p1", json={"id": "p1", "status": "succeeded"}
    )
    client = Replicate()
    client.predictions.get("p1")
    entered: list[tuple[str, str]] = []

    def watch(frame: object, event: str, arg: object) -> None:
        code = frame.f_code  # type: ignore[attr-defined]
        if event == "call" and code.co_filename.startswith(str(HOME)):
            entered.append((Path(code.co_filename).name, code.co_name))

    sys.setprofile(watch)
    try:
        client.predictions.get("p1")
    finally:
        sys.setprofile(None)
    assert len({file for file, _ in entered}) <= 4, entered
    assert len(entered) <= 12, entered
