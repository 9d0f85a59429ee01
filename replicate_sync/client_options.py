"""The options of a client, as they were given, and what they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .exceptions import InvalidInputError
from .http.config import API_URL, ApiConfig
from .payloads.schema_cache import SchemaCache
from .polling import Polling, Retries, import_whole
from .prediction.context import Context
from .prediction.usage import Price, Prices, Usage

if TYPE_CHECKING:
    import requests

    from .event_hook import EventHook

# The base URL of gpt4free for calls without a token.
_OPEN_API_URL = "https://replicate.com/api"


class ClientOptions:
    """The arguments of `Replicate`, which a copy of a client is made with as well.

    Args:
        api_key: See `Replicate`; likewise all other arguments.
        base_url: See there.
        proxy: See there.
        timeout: See there.
        headers: See there.
        polling: See there.
        retries: See there.
        session: See there.
        file_hosts: See there.
        prices: See there.
        on_event: See there.
        needs_auth: See there.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        proxy: str | None,
        timeout: float,
        headers: Mapping[str, str] | None,
        polling: Polling,
        retries: Retries,
        session: requests.Session | None,
        file_hosts: Iterable[str],
        prices: Mapping[str, Price] | None,
        on_event: EventHook,
        needs_auth: bool | None,
    ) -> None:
        self.api_key = api_key
        self.base_url = base_url
        self.proxy = proxy
        self.timeout = timeout
        self.headers = headers
        self.polling = polling
        self.retries = retries
        self.session = session
        self.file_hosts = file_hosts
        self.prices = prices
        self.on_event = on_event
        self.needs_auth = needs_auth

    def replaced(self, changed: Mapping[str, Any]) -> ClientOptions:
        """Return other options: these, but for those that are given by name."""
        return ClientOptions(**{**vars(self), **changed})


def build_context(options: ClientOptions, *, is_open: bool) -> Context:
    """Return what the operations of a client have in common.

    Args:
        options: The client's options.
        is_open: Whether no token is sent, as to gpt4free's open base URL.

    Raises:
        InvalidInputError: One of the options is wrong.
    """
    if not isinstance(options.polling, Polling):
        raise InvalidInputError(f"polling must be a Polling value, not {options.polling!r}.")
    # With requests, which takes most of the time that a program needs to start.
    import_whole("replicate_sync.http.transport")
    from .http.transport import Transport

    transport = Transport(
        _api_config(options, is_open=is_open),
        retries=options.retries,
        proxy=options.proxy,
        timeout=options.timeout,
        headers=options.headers,
        session=options.session,
        file_hosts=options.file_hosts,
        events=options.on_event,
    )
    usage = Usage(Prices(options.prices))
    return Context(transport, options.polling, SchemaCache(transport), usage, options.on_event)


def _api_config(options: ClientOptions, *, is_open: bool) -> ApiConfig:
    if not is_open:
        return ApiConfig(options.base_url, options.api_key)
    if options.base_url is None:
        default = _OPEN_API_URL
    else:
        default = API_URL
    return ApiConfig(options.base_url, default=default, variable=None, is_open=True)
