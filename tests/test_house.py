"""The package keeps its shape: owners, names, docstrings, imports, and few calls for a request."""

from __future__ import annotations

import ast
import builtins
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests
from wire import CHUNKED, LAST_CHUNK, MakeClient, Request, StartWire, Wire, chunk, event, response

import replicate_sync
from replicate_sync import Replicate

HOME = Path(replicate_sync.__file__).parent
# Who may import a foreign library: modules, or packages with all that is in them.
OWNERS = {
    # The clients name requests.Session in a type; the server sends to Cog and to the recorded API.
    "requests": {"http", "client", "client_options", "homepage", "server/cog", "server/recording"},
    "urllib3": {"http", "server/recording"},
    "tenacity": {"polling"},
    "sseclient": {"sse"},
    "click": {"cli"},
    "pytest": {"pytest_plugin"},
    "tqdm": {"display"},
    "IPython": {"display"},
    "google": {"http/config"},  # where Colab has loaded it already
    "flask": {"gateway"},
    "werkzeug": {"server", "gateway"},
    "waitress": {"gateway/serving"},
    "tomli": {"gateway/settings"},
    "jinja2": {"server/web"},
    "PIL": {"server", "payloads"},  # late, where there is a picture
    "cog": {"server/cog"},
    "coglet": {"server/cog"},
    "yaml": {"server/cog"},
}
SECTIONS = ("Args:", "Attributes:", "Returns:", "Yields:", "Raises:", "Examples:")
Function = ast.FunctionDef | ast.AsyncFunctionDef
LLAMA = Replicate.default_model


@cache
def modules() -> dict[str, ast.Module]:
    """Return the modules of the package, parsed."""
    return {
        path.relative_to(HOME).with_suffix("").as_posix(): ast.parse(path.read_bytes())
        for path in sorted(HOME.rglob("*.py"))
    }


def foreign_imports(tree: ast.Module) -> set[str]:
    """Return the libraries that a module imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            name = node.args[0]
            if isinstance(name, ast.Constant) and not name.value.startswith("."):
                names.add(name.value)
    libraries = {name.partition(".")[0] for name in names}
    newer = {"tomllib", "annotationlib"}  # in the standard library from 3.11 and 3.14 on
    return libraries - set(sys.stdlib_module_names) - {"replicate_sync"} - newer


@pytest.mark.slow
def test_each_foreign_library_has_its_owner() -> None:
    strays = [
        f"{module} imports {library}"
        for module, tree in modules().items()
        for library in foreign_imports(tree)
        if not any(f"{module}/".startswith(f"{owner}/") for owner in OWNERS[library])
    ]
    assert strays == []


@pytest.mark.slow
def test_no_module_and_no_class_is_named_for_nothing() -> None:
    # Those of `official` bear the names that the official client gave them.
    names = {name.rpartition("/")[2] for name in modules() if not name.startswith("official/")} | {
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    for word in ("util", "helper", "manager", "misc", "common"):
        assert not [name for name in names if word in name.lower()]


def public_definitions(
    node: ast.Module | ast.ClassDef, name: str
) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """Yield the public classes, functions, methods and properties, with their names."""
    for child in node.body:
        if not isinstance(child, ast.ClassDef | Function) or child.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator) for decorator in child.decorator_list}
        if "overload" in decorators or f"{child.name}.setter" in decorators:
            continue
        yield f"{name}.{child.name}", child
        if isinstance(child, ast.ClassDef):
            yield from public_definitions(child, f"{name}.{child.name}")


def parameters_of(node: ast.ClassDef | Function) -> list[str]:
    """Return the names of a function's parameters, or of those of a class's `__init__`."""
    if isinstance(node, ast.ClassDef):
        methods = [child for child in node.body if isinstance(child, Function)]
        initializers = [method for method in methods if method.name == "__init__"]
        return parameters_of(initializers[0]) if initializers else []
    arguments = node.args
    found = [*arguments.posonlyargs, *arguments.args]
    found += [arguments.vararg] if arguments.vararg else []
    found += arguments.kwonlyargs
    found += [arguments.kwarg] if arguments.kwarg else []
    return [argument.arg for argument in found if argument.arg not in ("self", "cls")]


def described_parameters(docstring: str) -> list[str]:
    """Return the names in the section `Args:` of a docstring."""
    section = re.search(r"^Args:\n((?:(?: .*)?\n?)*)", docstring, re.MULTILINE)
    return re.findall(r"^ {4}\**(\w+)(?: \(.*\))?: ", section[1], re.MULTILINE) if section else []


def docstring_problem(node: ast.ClassDef | Function) -> str:
    """Return what is wrong with a docstring of Google's style, or ""."""
    docstring = ast.get_docstring(node)
    if not docstring:
        return "is not documented"
    first_line = docstring.partition("\n")[0]
    if not first_line.endswith((".", ":")):
        return "begins with more than one line"
    if first_line.split()[0] in ("Give", "Tell", "Returns", "Yields"):
        return "does not begin with a verb such as Return"
    headings = re.findall(r"^([A-Z]\w+:)$", docstring, re.MULTILINE)
    if headings != [section for section in SECTIONS if section in headings]:
        return f"has the sections {headings}"
    described = described_parameters(docstring)
    if described and described != parameters_of(node):
        return f"describes {described}"
    return ""


@pytest.mark.slow
def test_all_that_is_public_is_documented_in_one_style() -> None:
    problems = [
        f"{name} says nothing" for name in modules() if not ast.get_docstring(modules()[name])
    ]
    for module, tree in modules().items():
        for name, node in public_definitions(tree, module):
            problem = docstring_problem(node)
            if problem:
                problems.append(f"{name} {problem}")
    assert problems == []


def test_what_the_root_exports_is_documented_and_hides_nothing() -> None:
    assert sorted(replicate_sync.__all__) == replicate_sync.__all__
    assert not set(replicate_sync.__all__) & set(dir(builtins))
    for name in replicate_sync.__all__:
        value = getattr(replicate_sync, name)
        assert name == "__version__" or value.__doc__


def test_no_module_bears_the_name_of_what_the_root_exports() -> None:
    top_level = {path.stem for path in HOME.iterdir()}
    resources = {name for name in dir(Replicate) if not name.startswith("_")}
    assert not top_level & {*replicate_sync.__all__, *resources, "map"}


def loaded(line: str) -> set[str]:
    """Return the modules that are loaded behind a line, in a new process."""
    code = f"import sys; {line}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(ran.stdout.split())


@pytest.mark.slow
def test_making_a_client_takes_what_requests_takes_and_few_modules_of_our_own() -> None:
    ours = loaded("from replicate_sync import ReplicateHome, Replicate; Replicate('r8_x')")
    foreign = {name for name in ours if name.partition(".")[0] != "replicate_sync"}
    assert foreign - loaded("import requests, sseclient") <= {"secrets"}
    assert not {"replicate_sync.server", "replicate_sync.cli"} & ours
    ours = loaded("from replicate_sync import Replicate; Replicate('r8_x')") - foreign
    assert len(ours) <= 50, ours


@pytest.mark.slow
def test_importing_the_client_takes_nothing_of_requests() -> None:
    ours = loaded("from replicate_sync import Polling, Replicate, Retries")
    assert not {"email", "http.client", "requests", "ssl", "tenacity", "urllib3"} & ours


@pytest.mark.slow
def test_the_local_server_takes_nothing_of_the_client() -> None:
    ours = loaded("from replicate_sync.server import LocalServer; LocalServer().start()")
    assert "werkzeug" in ours
    assert not {"flask", "requests", "replicate_sync.client", "urllib3"} & ours


def test_importing_the_package_alone_takes_not_even_that() -> None:
    ours = loaded("import replicate_sync")
    assert not {"requests", "urllib3", "json", "replicate_sync.client"} & ours


def entered_by(call: Callable[[], Any], home: str = str(HOME)) -> list[tuple[str, str]]:
    """Return the functions of the package that a warm call enters, each with its file.

    Where `home` is "", those of all packages.
    """
    call()
    entered: list[tuple[str, str]] = []

    def watch(frame: FrameType, happening: str, argument: object) -> None:
        code = frame.f_code
        if happening == "call" and code.co_filename.startswith(home):
            entered.append((code.co_filename, code.co_name))

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    return entered


@pytest.fixture
def api(wire: StartWire) -> Wire:
    """Return a server of real sockets that responds as Replicate does."""
    ended = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}
    tokens = [event(text, number) for number, text in enumerate(("Once", " upon", " a time"))]
    done = event("{}", 3, "done")
    numbers = itertools.count()  # each prediction has a stream of its own

    def respond(request: Request) -> Any:
        if request.path.startswith("/stream/"):
            pieces = [step for token in tokens for step in (chunk(token), 0.01)]
            return [CHUNKED, *pieces, chunk(done) + LAST_CHUNK]
        if request.path == f"/v1/models/{LLAMA}/predictions":
            urls = {"stream": f"{server.origin}/stream/{next(numbers)}"}
            started = {**ended, "id": "p2", "status": "starting", "output": None, "urls": urls}
            return [response(started, 201)]
        if request.path == "/v1/models/a/b":
            return [response({"owner": "a", "name": "b"})]
        return [response(ended, 201 if request.method == "POST" else 200)]

    server = wire(respond)
    return server


def test_a_poll_enters_few_functions_in_few_files(api: Wire, client_of: MakeClient) -> None:
    client = client_of(api)
    entered = entered_by(lambda: client.predictions.get("p1"))
    assert len(entered) <= 12, entered
    assert len({file for file, _ in entered}) <= 5, entered
    assert api.connections == 1


def test_a_long_output_without_files_is_not_visited_value_by_value(
    wire: StartWire, client_of: MakeClient
) -> None:
    output = [{"label": f"thing {number}", "box": [number, 1]} for number in range(10_000)]
    urls = {"get": "https://api.replicate.com/v1/predictions/p1"}
    ended = {"id": "p1", "status": "succeeded", "output": output, "urls": urls, "logs": "a\nb"}
    client = client_of(wire(lambda request: [response(ended, 201)]))
    entered = entered_by(lambda: client.run("a/b", {"prompt": "x"}))
    assert "plain_output" in {name for _, name in entered}
    assert "needs_schema" not in {name for _, name in entered}
    assert client.run("a/b", {"prompt": "x"}) == output


def test_most_of_what_requests_does_with_each_request_is_done_once(
    api: Wire, client_of: MakeClient
) -> None:
    client = client_of(api)
    client.predictions.get("p1")
    entered = entered_by(lambda: client.predictions.get("p1"), "")
    session = requests.Session()
    url = f"{api.origin}/v1/predictions/p1"
    session.get(url)
    bare = entered_by(lambda: session.get(url).json(), "")
    assert len(entered) < 0.65 * len(bare)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (lambda client: client.models.get("a/b"), 15),
        (lambda client: client.run("a/b", {"prompt": "x"}), 50),
        (lambda client: list(client.chat("hello")), 120),
    ],
    ids=["models.get", "run", "a chat of three tokens"],
)
def test_a_call_enters_few_functions(
    api: Wire, client_of: MakeClient, call: Callable[[Replicate], Any], limit: int
) -> None:
    client = client_of(api)
    assert call(client) in (call(client), ["Once", " upon", " a time"])
    entered = entered_by(lambda: call(client))
    assert len(entered) <= limit, entered
