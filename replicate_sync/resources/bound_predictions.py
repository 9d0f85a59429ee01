"""Predictions of one model, version or deployment: `model.predictions`, `models.predictions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..deadline import Deadline
from ..prediction.prediction import Prediction
from ..refs import parse_name

if TYPE_CHECKING:
    from .deployments import Deployment
    from .models import Model
    from .predictions import Predictions


class BoundPredictions:
    """The predictions of one model, version or deployment: `create`.

    Args:
        predictions: The client's predictions.
        model: The model or version that is run; or else a deployment.
        deployment: The deployment that runs.

    Examples:
        >>> model = client.models.get("replicate/hello-world")
        >>> model.predictions.create({"text": "Alice"}).result()
        'hello Alice'
    """

    def __init__(
        self,
        predictions: Predictions,
        *,
        model: str | None = None,
        deployment: str | None = None,
    ) -> None:
        self._predictions = predictions
        self._model = model
        self._deployment = deployment

    def create(
        self,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool | None = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
    ) -> Prediction:
        """Start a prediction, and return it.

        Args:
            input: As in `predictions.create` of the client; likewise all other arguments.
            wait: See there.
            webhook: See there.
            webhook_events_filter: See there.
            cancel_after: See there.
            validate: See there.
            deadline: See there.
            cancel_on_exit: See there.
            progress: See there.

        Returns:
            The prediction, which may still run.

        Raises:
            ReplicateError: See there.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> model.predictions.create({"text": "Alice"}).result()
            'hello Alice'
        """
        return self._predictions.create(
            self._model,
            input,
            deployment=self._deployment,
            wait=wait,
            webhook=webhook,
            webhook_events_filter=webhook_events_filter,
            cancel_after=cancel_after,
            validate=validate,
            deadline=deadline,
            cancel_on_exit=cancel_on_exit,
            progress=progress,
        )


class ModelPredictions:
    """Predictions of official models: `create`.

    Args:
        predictions: The client's predictions.

    Examples:
        >>> hello = "replicate/hello-world"
        >>> client.models.predictions.create(hello, {"text": "Alice"}).result()
        'hello Alice'
    """

    def __init__(self, predictions: Predictions) -> None:
        #: The client's predictions.
        self.all: Predictions = predictions

    def create(
        self,
        model: str | Model,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool | None = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
    ) -> Prediction:
        """Start a prediction of a model's latest version, and return it.

        See https://replicate.com/docs/reference/http#models.predictions.create

        Args:
            model: "owner/name", or a `Model`.
            input: As in `predictions.create`; likewise all other arguments.
            wait: See there.
            webhook: See there.
            webhook_events_filter: See there.
            cancel_after: See there.
            validate: See there.
            deadline: See there.
            cancel_on_exit: See there.
            progress: See there.

        Returns:
            The prediction, which may still run.

        Raises:
            ReplicateError: As `predictions.create` does.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> client.models.predictions.create(hello, {"text": "Alice"}).result()
            'hello Alice'
        """
        return self.all.create(
            parse_name(str(model)),
            input,
            wait=wait,
            webhook=webhook,
            webhook_events_filter=webhook_events_filter,
            cancel_after=cancel_after,
            validate=validate,
            deadline=deadline,
            cancel_on_exit=cancel_on_exit,
            progress=progress,
        )


class DeploymentPredictions:
    """Predictions of deployments: `create`.

    Args:
        predictions: The client's predictions.

    Examples:
        >>> client.deployments.predictions.create("local/greeter", {"text": "Alice"}).result()
        'hello Alice'
    """

    def __init__(self, predictions: Predictions) -> None:
        #: The client's predictions.
        self.all: Predictions = predictions

    def create(
        self,
        deployment: str | Deployment,
        input: Mapping[str, Any] | None = None,
        *,
        wait: float | bool | None = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
        cancel_after: float | str | None = None,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
    ) -> Prediction:
        """Start a prediction on a deployment, and return it.

        See https://replicate.com/docs/reference/http#deployments.predictions.create

        Args:
            deployment: "owner/name", or a `Deployment`.
            input: As in `predictions.create`; likewise all other arguments.
            wait: See there.
            webhook: See there.
            webhook_events_filter: See there.
            cancel_after: See there.
            deadline: See there.
            cancel_on_exit: See there.

        Returns:
            The prediction, which may still run.

        Raises:
            ReplicateError: As `predictions.create` does.

        Examples:
            >>> client.deployments.predictions.create("local/greeter", {"text": "Alice"}).result()
            'hello Alice'
        """
        return self.all.create(
            None,
            input,
            deployment=deployment,
            wait=wait,
            webhook=webhook,
            webhook_events_filter=webhook_events_filter,
            cancel_after=cancel_after,
            deadline=deadline,
            cancel_on_exit=cancel_on_exit,
        )
