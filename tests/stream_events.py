"""Events of a stream whose ids are of one kind or another: the API promises nothing about them.

Where two equal pieces have one id, and one of them is lost with its connection, nobody can tell that
the other one is not the same again. So "in pairs" is no kind to draw: it has tests of its own.
"""

from __future__ import annotations

KINDS_OF_IDS = ["counted", "none", "constant", "numbered anew", "seconds"]


def output_event(piece: str, number: int, first: int, ids: str) -> bytes:
    """Return the event of one piece of an output.

    Args:
        piece: Its text.
        number: Its place in the output.
        first: The place of the first piece of this connection.
        ids: The kind of its id.
    """
    id_lines = {
        "counted": f"id: 1:{number}\n",
        "none": "",
        "constant": "id: 7\n",
        "numbered anew": f"id: 1:{number - first}\n",
        "seconds": f"id: {100 + number // 2}:{number % 2}\n",
    }
    data = "".join(f"data: {line}\n" for line in piece.split("\n"))
    return f"event: output\n{id_lines[ids]}{data}\n".encode()
