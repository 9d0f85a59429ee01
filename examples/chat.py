"""Talk with a language model that knows what was said before. An empty line ends it.

python examples/chat.py
"""

from __future__ import annotations

from replicate_sync import Replicate, ReplicateError

client = Replicate()
messages = [{"role": "system", "content": "Answer in at most three sentences."}]

while question := input("you: ").strip():
    messages.append({"role": "user", "content": question})
    answer = ""
    print("model: ", end="")
    try:
        for text in client.chat(messages, max_tokens=200):
            print(text, end="", flush=True)
            answer += text
    except ReplicateError as error:
        raise SystemExit(f"\n{error}") from error
    print()
    messages.append({"role": "assistant", "content": answer})
