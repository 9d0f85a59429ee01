"""Every public name has an example in its docstring, and the example does what it says."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import replicate_sync
from replicate_sync import Polling, Replicate, official
from replicate_sync.callable_model import CallableModel
from replicate_sync.chats.conversation import Conversation
from replicate_sync.offline import LocalReplicate
from replicate_sync.resources.bound_predictions import BoundPredictions
from replicate_sync.resources.pages import Page, Pages
from replicate_sync.resources.search import SearchResults
from replicate_sync.server import LocalServer
from replicate_sync.server.testing.faults import Faults
from replicate_sync.server.testing.request_log import RequestLog

Names = dict[str, Any]

#: What is reached from the public names, beside the resources of a client.
REACHED = (
    *(BoundPredictions, CallableModel, Conversation, LocalReplicate, Page, Pages),
    *(SearchResults, LocalServer, Faults, RequestLog),
)
#: Without an underscore, and yet only for other modules of this package.
INTERNAL = {
    "Faults.take",
    "Files.place",
    "LocalServer.respond_instead",
    "Prediction.leave",
    "Prediction.mark_created",
    "Prediction.save_files",
    "PredictionFields.of_id",
    "PredictionFields.update",
    "Predictions.abandon",
    "Predictions.about_model",
    "Predictions.apart",
    "Predictions.learn_server_time",
    "Predictions.leave",
    "Predictions.look_up",
    "Predictions.near_names",
    "Predictions.place_files",
    "Predictions.plan",
    "Predictions.prepare",
    "Predictions.register",
    "Predictions.release",
    "Predictions.send",
    "Predictions.start",
    "RequestLog.add",
    "RequestLog.note",
    "Trainings.start",
    "UploadedFile",
}
#: What sends no request, or logs what goes wrong with it.
RAISES_NOTHING = {
    "BaseClient.close",
    "Collections.from_json",
    "Conversation.undo",
    "Deployments.from_json",
    "FileOutput.to_html",
    "Gpt4freeProvider.get_dict",
    "Gpt4freeProvider.get_models",
    "Gpt4freeProvider.get_parent",
    "Interruption.attach_to",
    "Interruption.of",
    "LocalReplicate.close",
    "Models.from_json",
    "Polling.at_least_every",
    "Polling.polls",
    "Prediction.abandon",
    "Record.from_json",
    "Usage.add",
    "Usage.fetch",
    "Usage.rows",
    "Versions.from_json",
}


# An example with such a word has a server of its own, on which `owned_by` makes it.
_OWNS = re.compile("deployment|local/mine|my_model|train")


def is_ours(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).startswith("replicate_sync")


def public_members(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class, with their names."""
    for name, value in vars(kind).items():
        is_callable = inspect.isroutine(value) or isinstance(value, classmethod | staticmethod)
        is_method = is_callable or isinstance(value, property | cached_property)
        if is_method and not name.startswith("_") and f"{kind.__name__}.{name}" not in INTERNAL:
            yield f"{kind.__name__}.{name}", value


def public_values() -> dict[str, Any]:
    """Return the classes, functions, methods and properties that are public, by name."""
    values = [getattr(replicate_sync, name) for name in replicate_sync.__all__]
    client = Replicate("r8_nobody")
    values += [getattr(client.models, name) for name in ("versions", "examples", "readme")]
    values += [client.models.predictions, client.deployments.predictions]
    values += [client.webhooks.default, client.webhooks.default.secret, *REACHED]
    found: dict[str, Any] = {}
    for value in values:
        if inspect.isfunction(value):
            found[value.__name__] = value
            continue
        kind = value if inspect.isclass(value) else type(value)
        for base in filter(is_ours, kind.__mro__):
            if base.__name__.startswith("_") or base.__name__ in INTERNAL:
                continue
            found[base.__name__] = base
            found.update(public_members(base))
    found["official"] = official
    for value in (official.Client, official.Client.run, official.Client.stream, official.paginate):
        found[f"official.{value.__qualname__}"] = value
    return found


PUBLIC = public_values()
DOCSTRINGS = {name: inspect.getdoc(value) or "" for name, value in PUBLIC.items()}


def public_functions() -> dict[str, Callable[..., Any]]:
    """Return the functions and methods among the public names, without the properties."""
    unwrapped = {name: inspect.unwrap(value) for name, value in PUBLIC.items()}
    unwrapped |= {
        name: value.__func__
        for name, value in PUBLIC.items()
        if isinstance(value, classmethod | staticmethod)
    }
    return {name: value for name, value in unwrapped.items() if inspect.isfunction(value)}


FUNCTIONS = public_functions()


def section(name: str, title: str) -> str:
    """Return the lines of a section of a public name's docstring, "" where it has none."""
    found = re.search(rf"^{title}:\n((?: {{4}}.*\n|\n)+)", f"{DOCSTRINGS[name]}\n", re.MULTILINE)
    return found[1] if found else ""


def owned_by(client: Replicate, source: str) -> Names:
    """Return what an example finds on its account: a model, a deployment and a training.

    Args:
        client: A client of a server that is new.
        source: The example, by whose words it is decided which of them there are.
    """
    names: Names = {}
    if "deployment" in source:
        version = client.models.get("replicate/hello-world").latest_version.id
        names["deployment"] = client.deployments.create(
            name="greeter",
            model="replicate/hello-world",
            version=version,
            hardware="cpu",
            min_instances=0,
            max_instances=1,
        )
    if "local/mine" in source or "my_model" in source or "train" in source:
        names["my_model"] = client.models.create("local/mine", visibility="private", hardware="cpu")
    if "train" in source:
        version = client.models.get("local/trainer").latest_version.id
        names["trainer"] = f"local/trainer:{version}"
        training = client.trainings.create(
            names["trainer"], destination="local/mine", input={"steps": 2}
        )
        names["training"] = training.wait()
    return names


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Names]]:
    """Return a function that returns what an example may use, by its source."""
    folder = tmp_path_factory.mktemp("examples")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    names: Names = {"Path": Path, "replicate_sync": replicate_sync}
    names |= {name: getattr(replicate_sync, name) for name in replicate_sync.__all__}
    names |= {kind.__name__: kind for kind in REACHED}
    picture = folder / "cat.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    with ExitStack() as servers:
        shared = servers.enter_context(replicate_sync.local())

        def make(source: str) -> Names:
            owner = shared
            if _OWNS.search(source):
                owner = servers.enter_context(replicate_sync.local())
            server = owner.server
            patch.setenv("REPLICATE_BASE_URL", server.url)
            patch.setenv("REPLICATE_API_TOKEN", server.token)
            server.faults.clear()
            client = owner.with_options(polling=Polling(attempts=3000, delay=0.02))
            client.server = server  # type: ignore[attr-defined]
            owned = owned_by(client, source)
            return {**names, **owned, "client": client, "picture_path": str(picture)}

        yield make
    patch.undo()


def test_every_public_name_has_an_example() -> None:
    without = [name for name, text in DOCSTRINGS.items() if "Examples:\n    >>> " not in text]
    assert without == []
    assert len(DOCSTRINGS) > 200


def test_every_parameter_is_explained() -> None:
    constructors = {
        name: value.__init__
        for name, value in PUBLIC.items()
        if inspect.isclass(value) and "__init__" in vars(value)
    }
    unexplained = [
        f"{name}({parameter})"
        for name, function in {**FUNCTIONS, **constructors}.items()
        for parameter in inspect.signature(function).parameters
        if parameter not in ("self", "cls")
        if not re.search(rf"^ {{4}}\**{parameter}: ", section(name, "Args"), re.MULTILINE)
    ]
    assert unexplained == []
    assert len(constructors) > 20


def test_what_is_returned_or_yielded_is_said() -> None:
    returning = {
        name
        for name, function in FUNCTIONS.items()
        if inspect.signature(function).return_annotation not in (None, "None")
    }
    unsaid = [
        name
        for name in returning
        if not DOCSTRINGS[name].startswith(("Return ", "Yield "))
        if not section(name, "Returns") and not section(name, "Yields")
    ]
    assert sorted(unsaid) == []
    assert len(returning) > 80


def test_whatever_may_send_a_request_says_what_it_raises() -> None:
    served = ("Faults", "LocalServer", "RequestLog")
    client_side = {name for name in FUNCTIONS if not name.startswith(served)}
    assert {name for name in client_side if not section(name, "Raises")} == RAISES_NOTHING


@pytest.mark.parametrize("name", sorted(DOCSTRINGS))
def test_the_example_does_what_it_says(name: str, prepared: Callable[[str], Names]) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    text = inspect.cleandoc(DOCSTRINGS[name])
    example = doctest.DocTestParser().get_doctest(text, prepared(text), name, None, None)
    written: list[str] = []
    runner = doctest.DocTestRunner(optionflags=options, verbose=False)
    runner.run(example, out=written.append, clear_globs=False)
    assert not runner.failures, "".join(written)


def test_the_help_of_the_client_begins_with_two_screens_that_name_all_it_has() -> None:
    text = pydoc.render_doc(Replicate, renderer=pydoc.plaintext)
    overview, _, _ = text.partition("Method resolution order:")
    assert len(overview.splitlines()) <= 100
    kinds = [kind for kind in Replicate.__mro__ if is_ours(kind)]
    members = {name for kind in kinds for name, _ in public_members(kind)}
    assert len(members) > 20
    for name in members:
        assert re.search(rf"\b{name.partition('.')[2]}\b", overview), name
