"""Python source in which models are functions, for editors and type checkers. No I/O here.

Each function has the inputs of a model as parameters, with their types, choices and limits, and the
type of its output as its own. The source depends on nothing but the models and their schemas, so
that writing it again changes only what a model has changed. An example of what is written:

    def flux_schnell(
        *,
        prompt: str,
        num_outputs: Annotated[int, "1 to 4"] | None = None,
        client: Replicate | None = None,
    ) -> list[FileOutput]:

The default of an input is in its description, and None as a parameter: it is the model's to apply.
"""

from __future__ import annotations

import builtins
import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..callable_model import describe_input
from ..payloads.input_schema import Input
from ..payloads.python_types import literal_choices, parameter_name, parameter_names
from ..payloads.schemas import ModelSchema, OutputSchema
from ..refs import ModelRef

_WIDTH = 100  # characters of a line
_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "dict[str, Any]",
    "file": "File",
}
# What the module defines and imports: no function may have such a name.
_OWN_NAMES = (
    "Annotated",
    "Any",
    "BinaryIO",
    "File",
    "FileOutput",
    "Literal",
    "Replicate",
    "TypeAlias",
    "TypeVar",
    "annotations",
    "os",
    "replicate_sync",
    "_T",
    "_run",
)
_TAKEN_BY_THE_MODULE = frozenset((*dir(builtins), *_OWN_NAMES))
# What the body of a function uses: no parameter may have such a name.
_TAKEN_BY_A_BODY = frozenset(
    ("Any", "FileOutput", "bool", "client", "dict", "float", "int", "list", "object", "str", "_run")
)
_RUN = """\
def _run(
    model: str, inputs: dict[str, object], expect: type[_T], client: Replicate | None
) -> _T:
    given = {name: value for name, value in inputs.items() if value is not None}
    if client is None:
        return replicate_sync.run(model, given, expect=expect)
    return client.run(model, given, expect=expect)
"""
_FILE = "File: TypeAlias = str | bytes | os.PathLike[str] | BinaryIO | FileOutput\n"


class Stub(NamedTuple):
    """A model that becomes a function."""

    ref: ModelRef
    schema: ModelSchema


def module_source(stubs: Sequence[Stub], command: str) -> str:
    """Return the source of a module with a function for each model.

    Args:
        stubs: The models.
        command: The command that writes the module, for its docstring.
    """
    names = _function_names([stub.ref for stub in stubs])
    functions = [_function_source(name, *stub) for name, stub in zip(names, stubs, strict=True)]
    body = "\n\n".join([*functions, _RUN])
    head = (
        f'"""Models on Replicate as functions, written by a command:\n\n'
        f'{_wrapped(command, "    ")}\n"""\n\n'
        f"from __future__ import annotations\n\n{_imports(body)}\n"
        f'_T = TypeVar("_T")\n'
    )
    if _uses(body, "File"):
        head += _FILE
    return f"{head}\n\n{body}"


def output_source(schema: OutputSchema) -> str:
    """Return the type of an output as source."""
    if schema.type == "array":
        return "str" if schema.is_text else f"list[{output_source(schema.items)}]"
    if schema.type == "string" and schema.is_file:
        return "FileOutput"
    return _TYPES.get(schema.type, "Any")


def input_source(one: Input) -> str:
    """Return the type of an input as source."""
    choices = literal_choices(one)
    if choices:
        return f"Literal[{', '.join(map(_quoted, choices))}]"
    if one.type == "array":
        kind = f"list[{_TYPES.get(one.items, 'Any')}]"
    else:
        kind = _TYPES.get(one.type, "Any")
    if one.range:
        return f"Annotated[{kind}, {_quoted(one.range)}]"
    return kind


def _function_names(refs: Sequence[ModelRef]) -> list[str]:
    """Return the names of the functions: the models' own, with their owners where two are alike."""
    counts = Counter(_short_name(ref) for ref in refs)
    taken = set(_TAKEN_BY_THE_MODULE)
    names = []
    for ref in refs:
        wanted = _short_name(ref)
        if counts[wanted] > 1:
            wanted = ref.model or wanted
        names.append(parameter_name(wanted, taken))
        taken.add(names[-1])
    return names


def _short_name(ref: ModelRef) -> str:
    return (ref.model or str(ref)).rpartition("/")[2]


def _function_source(name: str, ref: ModelRef, schema: ModelSchema) -> str:
    parameters = parameter_names(list(schema.inputs), _TAKEN_BY_A_BODY)
    signature = [_parameter_source(key, schema.inputs[one]) for key, one in parameters.items()]
    returned = output_source(schema.output)
    expected = "object" if returned == "Any" else returned
    if parameters:
        signature = ["*", *signature, "client: Replicate | None = None"]
        items = [f"            {_quoted(one)}: {key},\n" for key, one in parameters.items()]
        inputs = f"{{\n{''.join(items)}        }}"
    else:
        signature = ["client: Replicate | None = None", "**inputs: Any"]
        inputs = "inputs"
    lines = "".join(f"    {parameter},\n" for parameter in signature)
    arguments = (_quoted(str(ref)), inputs, expected, "client")
    passed = "".join(f"        {argument},\n" for argument in arguments)
    return (
        f"def {name}(\n{lines}) -> {returned}:\n"
        f"{_docstring(ref, schema, parameters)}"
        f"    return _run(\n{passed}    )\n"
    )


def _parameter_source(parameter: str, one: Input) -> str:
    if one.required:
        return f"{parameter}: {input_source(one)}"
    return f"{parameter}: {input_source(one)} | None = None"


def _docstring(ref: ModelRef, schema: ModelSchema, parameters: Mapping[str, str]) -> str:
    what = f"Run {ref.model or ref}, and return {schema.output_description}."
    lines = [_wrapped(what, "    ", '    """')]
    if ref.model and ref.version:
        lines.append(f"\n    The version is {ref.version}.")
    if parameters:
        lines.append("\n    Args:")
    for parameter, name in parameters.items():
        text = f"{parameter}: {describe_input(schema.inputs[name])}"
        lines.append(_wrapped(text, " " * 12, " " * 8))
    if len(lines) == 1:
        return f'{lines[0]}"""\n'
    return "\n".join([*lines, '    """\n'])


def _wrapped(text: str, indent: str, first_indent: str | None = None) -> str:
    """Return a text as lines of a docstring, in which nothing ends it."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    escaped = printable.replace("\\", "\\\\").replace('"', "'")
    return textwrap.fill(
        " ".join(escaped.split()),
        _WIDTH,
        initial_indent=indent if first_indent is None else first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _imports(body: str) -> str:
    """Return the imports of what a module uses, in the order that linters want."""
    has_files = _uses(body, "File")
    names = [name for name in ("Annotated", "Any", "Literal") if _uses(body, name)]
    if has_files:
        names += ["BinaryIO", "TypeAlias"]
    names.append("TypeVar")
    ours = ["Replicate"]
    if has_files or _uses(body, "FileOutput"):
        ours.insert(0, "FileOutput")
    return (
        ("import os\n" if has_files else "")
        + f"from typing import {', '.join(sorted(names))}\n\n"
        + f"import replicate_sync\nfrom replicate_sync import {', '.join(ours)}\n"
    )


def _uses(body: str, name: str) -> bool:
    """Return whether the code of a module, and not only its texts, has a name."""
    code = re.sub(r'""".*?"""|\'(?:[^\'\\\n]|\\.)*\'|"(?:[^"\\\n]|\\.)*"', '""', body, flags=re.S)
    return re.search(rf"\b{name}\b", code) is not None


def _quoted(value: object) -> str:
    """Return a value as source, with double quotes, as formatters write it."""
    text = repr(value)
    if isinstance(value, str) and '"' not in value and text.startswith("'"):
        return '"' + text[1:-1].replace("\\'", "'") + '"'
    return text
