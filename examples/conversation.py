"""Go on with a conversation that a file keeps: one question for each start of the program.

python examples/conversation.py rivers.json "Which river is the longest?"
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import replicate_sync

if len(sys.argv) != 3:
    raise SystemExit("Usage: python examples/conversation.py FILE.json QUESTION")
file, question = Path(sys.argv[1]), sys.argv[2]

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
conversation = client.conversation("openai/gpt-5-mini", system="Be brief.")
if file.exists():
    conversation.load(file)
for text in conversation.send(question):
    print(text, end="", flush=True)
conversation.save(file)
turns = sum(message["role"] == "user" for message in conversation.messages)
print(f"\n-- {turns} questions so far: {file}")
