"""What a prediction needs of the client that it belongs to."""

from __future__ import annotations

from typing import NamedTuple

from ..events import EventHook
from ..http.transport import Transport
from ..payloads.schema_cache import SchemaCache
from ..polling import Polling
from .usage import Usage


class Context(NamedTuple):
    """The parts of a client that its predictions use. It can be pickled."""

    transport: Transport
    polling: Polling
    schemas: SchemaCache
    usage: Usage
    events: EventHook
