"""What every request passes before the API."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer


@pytest.mark.slow
def test_the_path_may_name_the_api_version_twice(local: LocalServer, call: Any) -> None:
    twice = call.get("/v1/v1/models?sort_by=model_created_at").json()
    assert twice == call.get("/v1/models?sort_by=model_created_at").json()
    assert requests.get(f"{local.url}/v1/models", timeout=5).status_code == 401
