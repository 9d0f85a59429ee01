"""A model as a function: its inputs are parameters, and are validated before anything is sent.

    flux = client.use("black-forest-labs/flux-schnell")
    [picture] = flux(prompt="a lighthouse", num_outputs=1)

The signature and the documentation are those of the model's schema, so `help(flux)` shows its
inputs, and so does Shift-Tab in a notebook.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, Generic, NoReturn, TypeVar

from .exceptions import InvalidInputError, UnknownModelError
from .payloads.input_schema import Input, Inputs
from .payloads.inputs import validate_input
from .payloads.python_types import (
    contradicts,
    input_type,
    output_type,
    parameter_name,
    parameter_names,
    type_name,
)
from .payloads.schemas import ModelSchema
from .prediction.prediction import Prediction
from .refs import ModelRef
from .resources.versions import Version

if TYPE_CHECKING:
    from .client import Replicate

_T = TypeVar("_T")


class CallableModel(Generic[_T]):
    """A model as a function. It can be pickled; its copy needs no request.

    Args:
        client: The client that runs it.
        ref: The model.
        schema: Its schema, or one that says nothing.
        expect: The type of its results; None for what its schema says.

    Raises:
        InvalidInputError: Its schema says that its results are of another type.

    Examples:
        >>> flux = client.use("black-forest-labs/flux-schnell")
        >>> pictures = flux(prompt="a lighthouse", num_outputs=2)
        >>> [picture.name for picture in pictures]
        ['out-0.webp', 'out-1.webp']
    """

    def __init__(
        self, client: Replicate, ref: ModelRef, schema: ModelSchema, expect: type[_T] | None = None
    ) -> None:
        if expect is not None and contradicts(schema.output, expect):
            raise InvalidInputError(
                f"{ref} returns {schema.output_description}, and never {type_name(expect)}."
            )
        #: What it takes and returns.
        self.schema: ModelSchema = schema
        self._client = client
        self._ref = ref
        self._expect = expect
        self._names = parameter_names(schema.inputs)
        name = parameter_name((ref.model or str(ref)).rpartition("/")[2])
        self.__name__ = name
        self.__qualname__ = name
        self.__doc__ = describe(ref, schema, self._names)
        self.__signature__: Signature = _signature(schema, self._names, expect)

    @property
    def url(self) -> str:
        """Its page.

        Examples:
            >>> client.use("replicate/hello-world").url
            'https://replicate.com/replicate/hello-world'
        """
        path = self._ref.model or str(self._ref)
        if self._ref.model and self._ref.version:
            path = f"{self._ref.model}/versions/{self._ref.version}"
        return f"{self._client.url}/{path}"

    @property
    def inputs(self) -> Inputs:
        """What it takes, as a table.

        Examples:
            >>> "text" in client.use("replicate/hello-world").inputs
            True
        """
        return self.schema.inputs

    def __call__(self, *unnamed: NoReturn, **inputs: Any) -> _T:
        """Run the model, and return its result, as `Replicate.run` does.

        Args:
            *unnamed: Not taken: an input has a name.
            **inputs: The inputs; one that is None is left out.

        Raises:
            InvalidInputError: An input is misspelt, missing, or of another type; nothing was sent.
            ReplicateError: As `Replicate.run` does.
        """
        if unnamed:
            raise InvalidInputError(
                f"{self.__name__}() takes its inputs by name: {self.__name__}{self.__signature__}"
            )
        given = self._validate(inputs)
        result: _T
        if self._expect is None:
            result = self._client.run(str(self._ref), given, validate=False)
        else:
            result = self._client.run(str(self._ref), given, validate=False, expect=self._expect)
        return result

    def stream(self, **inputs: Any) -> Generator[str, None, None]:
        """Yield its text as it is written, as `Replicate.stream` does.

        Args:
            **inputs: As in a call.

        Yields:
            Pieces of the text.

        Raises:
            InvalidInputError: As in a call.

        Examples:
            >>> llama = client.use("meta/meta-llama-3-70b-instruct")
            >>> "".join(llama.stream(prompt="Tell me about rivers.", max_tokens=5))
            '...'
        """
        return self._client.stream(str(self._ref), self._validate(inputs))

    def create(self, **inputs: Any) -> Prediction:
        """Start a prediction, and return it.

        Args:
            **inputs: As in a call.

        Returns:
            The prediction, which may still run.

        Raises:
            InvalidInputError: As in a call.

        Examples:
            >>> hello = client.use("replicate/hello-world")
            >>> hello.create(text="Alice").result()
            'hello Alice'
        """
        return self._client.predictions.create(
            str(self._ref), self._validate(inputs), validate=False
        )

    def map(self, inputs: Iterable[Mapping[str, Any]], **options: Any) -> Generator[_T, None, None]:
        """Yield the result for each of many inputs, as `Replicate.map` does.

        Args:
            inputs: Dicts of inputs, each as in a call. They are validated as they are taken.
            **options: Options of `Replicate.map`, such as `concurrency`.

        Yields:
            Results.

        Raises:
            InvalidInputError: As in a call.
            MapError: As `Replicate.map` does.

        Examples:
            >>> hello = client.use("replicate/hello-world")
            >>> list(hello.map([{"text": "Alice"}, {"text": "Bob"}]))
            ['hello Alice', 'hello Bob']
        """
        return self._client.map(str(self._ref), map(self._validate, inputs), **options)

    def _validate(self, inputs: Mapping[str, Any]) -> dict[str, object]:
        """Return inputs under the model's own names, without those that are None.

        Raises:
            InvalidInputError: They do not fit; `fields` has every problem.
        """
        given: dict[str, object] = {}
        for parameter, value in inputs.items():
            name = self._names.get(parameter, parameter)
            if value is not None:
                given[name] = _resolved(value, self.schema.inputs.get(name))
        validated = validate_input(given)
        self.schema.inputs.validate(validated, self._ref)
        return validated

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        schema = ModelSchema(self.schema.raw)
        return type(self), (self._client, self._ref, schema, self._expect)

    def __repr__(self) -> str:
        return f"<{self._ref}{self.__signature__}>"


def fetch_schema(client: Replicate, ref: ModelRef, record: object = None) -> ModelSchema:
    """Return the schema of a model; one that says nothing for a version id without a model.

    Args:
        client: The client that fetches it.
        ref: The model.
        record: Where it is a `Version`, it has the schema already.

    Raises:
        ModelNotFoundError: There is no such model, or it has no version.
    """
    if isinstance(record, Version):
        return ModelSchema.parse(record.schemas)
    schemas = client.predictions.context.schemas
    if ref.deployment is not None:
        release = client.deployments.get(ref.deployment).current_release
        version = client.models.versions.get(f"{release['model']}:{release['version']}")
        return ModelSchema.parse(version.schemas)
    if ref.model is None:
        return schemas.get(ref, fetch=False)
    if ref.version is not None:
        return ModelSchema.parse(client.models.versions.get(str(ref)).schemas)
    try:
        schemas.latest_version(ref.model)
    except UnknownModelError as error:
        client.predictions.near_names.add_to(error, ref.model)
        raise
    return schemas.get(ref, fetch=False)


def describe(ref: ModelRef, schema: ModelSchema, names: Mapping[str, str]) -> str:
    """Return the documentation of a model as a function: what it returns, and its inputs.

    Args:
        ref: The model.
        schema: Its schema.
        names: The names of its inputs, by the parameters that stand for them.
    """
    lines = [f"Run {ref}, and return {schema.output_description}."]
    if not names:
        return f"{lines[0]}\n\nIts inputs are not known."
    lines += ["", "Args:"]
    for parameter, name in names.items():
        one = schema.inputs[name]
        kind = f" ({one.type})" if one.type else ""
        lines.append(f"    {parameter}{kind}: {describe_input(one)}")
    return "\n".join(lines)


def describe_input(one: Input) -> str:
    """Return an input in words: what it is for, its choices or limits, and its default."""
    description = " ".join(one.description.split()) or f"The input {one.name!r}."
    if not description.endswith((".", "!", "?")):
        description += "."
    if one.choices is not None:
        description += f" One of {one.range}."
    elif one.range:
        description += f" {one.range[:1].upper()}{one.range[1:]}."
    if one.required:
        return description + " Required."
    if one.default is not None:
        description += f" Default: {one.default!r}."
    return description


def _signature(schema: ModelSchema, names: Mapping[str, str], expect: object) -> Signature:
    parameters = []
    for parameter, name in names.items():
        one = schema.inputs[name]
        annotation = input_type(one)
        if not one.required and one.default is None:
            annotation = annotation | None
        if one.range and one.choices is None:
            annotation = Annotated[annotation, one.range]
        default = Parameter.empty if one.required else one.default
        parameters.append(
            Parameter(parameter, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    if not parameters:
        parameters = [Parameter("inputs", Parameter.VAR_KEYWORD, annotation=Any)]
    returned = output_type(schema.output) if expect is None else expect
    return Signature(parameters, return_annotation=returned)


def _resolved(value: object, one: Input | None) -> object:
    """Return a value as it is sent: a prediction becomes its output, one file of a list a file."""
    if isinstance(value, Prediction):
        value = value.wait().output
    is_file = one is not None and one.type == "file"
    if is_file and isinstance(value, list | tuple) and len(value) == 1:
        item: object = value[0]
        return item
    return value
