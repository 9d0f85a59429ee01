"""Receive Replicate's webhooks in a Flask app, and accept only those signed for your account.

Run it with `flask --app examples/webhook run`, make it reachable over https, and pass its address
as `webhook=`.
"""

from __future__ import annotations

from flask import Flask, Response, request

from replicate_sync import Replicate, WebhookError

app = Flask(__name__)
client = Replicate()
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
