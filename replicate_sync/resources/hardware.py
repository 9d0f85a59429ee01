"""The hardware that models run on."""

from __future__ import annotations

from collections.abc import Iterator

from .base import Record, Resource


class Hardware(Record):
    """Something that models run on; a deployment or a new model takes its `sku`."""

    name: str | None = None
    sku: str | None = None


class HardwareList(Resource):
    """The hardware: `list`."""

    def list(self) -> Iterator[Hardware]:
        """Return an iterator over the hardware that models can run on.

        See https://replicate.com/docs/reference/http#hardware.list
        """
        return iter(self._transport.request("GET", "/hardware", build=_parse_list))


def _parse_list(data: object) -> list[Hardware]:
    if isinstance(data, list):
        items = data
    else:
        items = []
    return [Hardware.from_json(item) for item in items]
