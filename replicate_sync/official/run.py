"""`run`, as the official client has it: it blocks until a model has its output, and returns that.

A list of texts stays a list, and a version whose output comes piece by piece returns a generator.
Unlike there, the result is never None because the first 60 seconds are over; a prediction that was
canceled raises; `use_file_output=False` counts for generators too; and an interruption cancels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exceptions import ReplicateError
from .identifier import Resolved, resolve
from .schema import has_iterator_output
from .version import Version, Versions

if TYPE_CHECKING:
    from .client import Client


def run(
    client: Client,
    ref: Any,
    input: dict[str, Any] | None = None,
    *,
    use_file_output: bool | None = True,
    **params: Any,
) -> Any:
    """Block until a model has its output, and return that; see `Client.run`.

    Args:
        client: The client.
        ref: As in `Client.run`; likewise all other arguments.
        input: See there.
        use_file_output: See there.
        **params: See there.

    Raises:
        ModelError: See there.
    """
    if "prefer" not in params:
        params.setdefault("wait", True)
    prediction = client.create_prediction(ref, input, params)
    if _is_iterator(client, resolve(ref)) and prediction.status not in ("failed", "canceled"):
        items = prediction.output_iterator()
        if use_file_output:
            return prediction._transformed_items(items)
        return items
    prediction.wait()
    prediction._raise_unless_succeeded()
    if use_file_output:
        return prediction._transform(prediction.output)
    return prediction.output


def _is_iterator(client: Client, resolved: Resolved) -> bool:
    """Return whether a version was asked for whose output comes piece by piece."""
    version: Version | None = resolved.version
    if version is None and resolved.version_id and resolved.owner and resolved.name:
        versions = Versions(client, (resolved.owner, resolved.name))
        try:
            version = versions.get(resolved.version_id)
        except ReplicateError:  # the prediction is paid for; its output is not lost for this
            return False
    if version is None:
        return False
    return has_iterator_output(version.openapi_schema, version.cog_version)
