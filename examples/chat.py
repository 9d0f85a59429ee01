"""Talk with a language model that knows what was said before. An empty line or Ctrl-D ends it.

python examples/chat.py
"""

from __future__ import annotations

import os

import replicate_sync
from replicate_sync import ReplicateError

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
messages = [{"role": "system", "content": "Answer in at most three sentences."}]


def ask() -> str:
    """Return the next question, or "" at the end."""
    try:
        return input("you: ").strip()
    except (EOFError, KeyboardInterrupt):
        print()
        return ""


while question := ask():
    messages.append({"role": "user", "content": question})
    answer = ""
    print("model: ", end="", flush=True)
    try:
        for text in client.chat(messages, max_tokens=200):
            print(text, end="", flush=True)
            answer += text
    except KeyboardInterrupt:
        print(" (stopped)", end="")
    except ReplicateError as error:
        raise SystemExit(f"\n{error}") from error
    print()
    if answer.strip():
        messages.append({"role": "assistant", "content": answer})
    else:
        messages.pop()  # the model would answer it together with the next question
