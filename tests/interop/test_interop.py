"""The official clients, unmodified, do all that they can against the embedded server."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from official import CLIENTS, OFFICIAL, Official

pytestmark = pytest.mark.interop
SCENARIO = re.compile(r"^(?:async )?(?:def|function) (it_\w+)", re.M)


@pytest.mark.parametrize(
    ("client", "scenario"),
    [
        pytest.param(client, name, id=f"{client.package}-{name}")
        for client in OFFICIAL
        for name in SCENARIO.findall((CLIENTS / client.script).read_text())
    ],
)
def test_an_official_client_is_served(
    client: Official, scenario: str, ended: Callable[[Official], dict[str, str]]
) -> None:
    end = ended(client)[scenario]
    if end != "passed":
        pytest.fail(end, pytrace=False)
