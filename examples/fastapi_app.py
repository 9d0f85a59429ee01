"""A web application with FastAPI that streams a model's text. Plain functions run in threads.

pip install fastapi uvicorn
uvicorn --app-dir examples fastapi_app:app
"""

from __future__ import annotations

import os

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

import replicate_sync
from replicate_sync import ReplicateError

app = FastAPI()
online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()


@app.get("/greeting")
def greeting(name: str) -> str:
    """Respond with a greeting."""
    try:
        return client.run("replicate/hello-world", {"text": name}, expect=str)
    except ReplicateError as error:
        raise HTTPException(502, str(error)) from error


@app.get("/chat")
def chat(message: str) -> StreamingResponse:
    """Respond with a model's text while it is written; a client that leaves cancels it."""
    return StreamingResponse(client.chat(message, max_tokens=60), media_type="text/plain")
