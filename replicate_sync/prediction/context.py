"""What a prediction needs of the client that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..event_hook import EventHook
    from ..http.transport import Transport
    from ..payloads.schema_cache import SchemaCache
    from ..polling import Polling
    from .usage import Usage


class Context:
    """The parts of a client that its predictions use. It can be pickled.

    Args:
        transport: Sends requests.
        polling: When predictions are polled.
        schemas: The schemas of models.
        usage: Counts predictions that have ended.
        events: Where it is reported what happens to predictions.
    """

    def __init__(
        self,
        transport: Transport,
        polling: Polling,
        schemas: SchemaCache,
        usage: Usage,
        events: EventHook,
    ) -> None:
        self.transport = transport
        self.polling = polling
        self.schemas = schemas
        self.usage = usage
        self.events = events
