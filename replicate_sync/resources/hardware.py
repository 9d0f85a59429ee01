"""The hardware that models run on."""

from __future__ import annotations

from ..http.pagination import RawPage
from .base import Record, Resource
from .pages import Pages


class Hardware(Record):
    """Something that models run on; a deployment or a new model takes its `sku`.

    Examples:
        >>> next(client.hardware.list()).sku
        'cpu'
    """

    name: str | None = None
    sku: str | None = None


class HardwareList(Resource):
    """The hardware: `list`.

    Examples:
        >>> [hardware.sku for hardware in client.hardware.list()]
        ['cpu', ...]
    """

    def list(self) -> Pages[Hardware]:
        """Return an iterator over the hardware that models can run on.

        See https://replicate.com/docs/reference/http#hardware.list

        Raises:
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> [hardware.sku for hardware in client.hardware.list()]
            ['cpu', ...]
        """
        entries = self._transport.request("GET", "/hardware", build=_parse_list)
        # The API sends all of them at once; it is a list as any other nevertheless.
        page = RawPage(entries, "", "")
        return Pages(lambda: page, lambda _: page, Hardware.from_json, None, "hardware")


def _parse_list(data: object) -> list[object]:
    return data if isinstance(data, list) else []
