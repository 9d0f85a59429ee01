"""What a prediction or a training is created from."""

from __future__ import annotations

from dataclasses import dataclass, field

from .json_types import JSONObject
from .models import Model


@dataclass(frozen=True)
class JobSpec:
    """What a prediction or a training is created from.

    Attributes:
        model: The model to run.
        version: The version that is shown, which may be "hidden".
        input: The input, valid for the model.
        origin: Scheme, host and port of the server as the client knows them.
        source: "api" or "web".
        lifetime: After how many seconds it is canceled, or None.
        echo: Further keys that its JSON shows as they were sent.
        training: Whether it is a training.
        example: Whether it is one of the model's examples, which are in no list.
    """

    model: Model
    version: str
    input: JSONObject
    origin: str
    source: str = "api"
    lifetime: int | float | None = None
    echo: JSONObject = field(default_factory=dict)
    training: bool = False
    example: bool = False
