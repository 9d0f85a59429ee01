"""The examples of a model: predictions that show what it does."""

from __future__ import annotations

from functools import partial

from ..prediction.prediction import Prediction
from ..refs import parse_name
from .base import Resource
from .pages import Pages
from .predictions import Predictions


class Examples(Resource):
    """Predictions that show what a model does: `list`.

    Args:
        predictions: The client's predictions.

    Examples:
        >>> examples = client.models.examples.list("replicate/hello-world")
        >>> [prediction.status for prediction in examples]
        [...]
    """

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions.context.transport)
        self._predictions = predictions

    def list(self, model: str, *, limit: int | None = None) -> Pages[Prediction]:
        """Return an iterator over the examples of a model.

        See https://replicate.com/docs/reference/http#models.examples.list

        Args:
            model: "owner/name".
            limit: After how many of them to stop; None for all.

        Raises:
            ModelNotFoundError: The name is wrong, or there is no such model.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> list(client.models.examples.list("replicate/hello-world", limit=1))
            [...]
        """
        name = parse_name(model)
        around = partial(self._predictions.about_model, name)
        path = f"/models/{name}/examples"
        return self._list(path, self._predictions.from_json, limit, model=name, around=around)
