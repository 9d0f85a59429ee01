"""Receive Replicate's webhooks in a Flask app, and accept only those signed for your account.

Install Flask (`pip install Flask`), run it with `flask --app examples/webhook run`, make it
reachable over https, and pass its address as `webhook=`.
"""

from __future__ import annotations

import os

from flask import Flask, Response, request

import replicate_sync
from replicate_sync import WebhookError

app = Flask(__name__)
online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
done: dict[str, object] = {}  # outputs by id, as a webhook may come twice


@app.post("/replicate")
def replicate() -> Response:
    """Take a webhook, and respond quickly: the work is for another thread."""
    try:
        prediction = client.webhooks.receive(request.get_data(), request.headers)
    except WebhookError as error:
        return Response(str(error), status=400)
    if prediction.ended:
        done[prediction.id] = prediction.output
        print(prediction, prediction.predict_time)
    return Response(status=204)
