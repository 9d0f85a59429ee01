"""What a notebook shows, as HTML: files that can be seen and heard, several side by side, and how a prediction stands.

Nothing here does I/O. No colors are named, so that a dark theme stays dark.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

from .logs import Progress, end_of

_OUTPUT = 2000  # characters of an output that are shown
_LOG_LINES = 8  # the last ones
_PRE = '<pre style="white-space:pre-wrap;max-height:24em;overflow:auto;margin:4px 0">'
_FAINT = '<pre style="white-space:pre-wrap;opacity:.7;margin:4px 0">'
# A width of its own, as a picture would take the room of its full size, and stand alone in its row.
_CELL = '<div style="flex:0 0 256px;max-width:100%">'
_ROW = '<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">'


class Standing(Protocol):
    """What is shown of a prediction."""

    noun: str
    id: str
    status: str
    model: str | None
    output: Any
    error: str | None
    logs: str
    urls: dict[str, Any]

    @property
    def progress(self) -> Progress | None:
        """How far it is."""

    @property
    def predict_time(self) -> float | None:
        """How many seconds it ran."""


def medium(kind: str, name: str, source: str) -> str:
    """Show a file of this MIME type: a picture, a player for sound or video, a link to anything else.

    `source`: its URL, or a data URI with its bytes.
    """
    if not source.startswith(("https://", "http://", "data:")):
        return escape(name)
    at = f'src="{escape(source)}"'
    if kind.startswith("image/"):
        return f'<img {at} alt="{escape(name)}" title="{escape(name)}" style="max-width:100%;height:auto;margin:0">'
    if kind.startswith("audio/"):
        return f'<audio controls preload="metadata" {at} style="max-width:100%"></audio>'
    if kind.startswith("video/"):
        return f'<video controls preload="metadata" {at} style="max-width:100%;max-height:480px"></video>'
    return f'<a href="{escape(source)}" download="{escape(name)}">{escape(name)}</a>'


def row(cells: Sequence[str]) -> str:
    """Show several things side by side, in as many rows as they need; a single one as it is."""
    if len(cells) == 1:
        return cells[0]
    return f"{_ROW}{''.join(f'{_CELL}{cell}</div>' for cell in cells)}</div>"


def note(text: str) -> str:
    """Show a sentence in the place of what could not be shown."""
    return f"<em>{escape(text)}</em>"


def html(one: Standing, media: Sequence[str]) -> str:
    """Show how a prediction stands: status, time, progress, output, the end of its logs, and a link to its page.

    `media`: the files in its output, each as HTML already.
    """
    progress, parts = one.progress, [f"<div><b>{escape(_title(one))}</b> · {escape(_state(one))}{_link(one)}</div>"]
    if progress and one.status == "processing":
        parts.append(f'<progress value="{progress.current}" max="{progress.total}" style="width:16em"></progress>')
    if one.error:
        parts.append(f"{_PRE}{escape(one.error)}</pre>")
    if media:
        parts.append(row(media))
    elif one.output is not None:
        parts.append(f"{_PRE}{escape(_told(one.output))}</pre>")
    if logs := _logs(one):
        parts.append(f"{_FAINT}{escape(logs)}</pre>")
    return f"<div>{''.join(parts)}</div>"


def plain(one: Standing) -> str:
    """Say how a prediction stands, in plain text: what `html` shows."""
    parts = [f"{one.noun} {one.id}: {_title(one)}, {_state(one)}"]
    parts += [f"error: {one.error}"] if one.error else []
    parts += [f"output: {_told(one.output)}"] if one.output is not None else []
    if logs := _logs(one):
        parts += ["logs:", *(f"  {line}" for line in logs.splitlines())]
    return "\n".join([*parts, url] if (url := _page(one)) else parts)


def _logs(one: Standing) -> str:
    return end_of(one.logs.strip(), _LOG_LINES).strip("\n")


def _title(one: Standing) -> str:
    return one.model or one.noun


def _state(one: Standing) -> str:
    progress, seconds = one.progress, one.predict_time
    parts = [one.status, *([f"{seconds:.1f} s"] if seconds is not None else [])]
    if progress and one.status == "processing":
        parts.append(f"{progress.percentage} % ({progress.current} of {progress.total})")
    return ", ".join(parts)


def _page(one: Standing) -> str | None:
    url = one.urls.get("web")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None


def _link(one: Standing) -> str:
    url = _page(one)
    return f' · <a href="{escape(url)}" target="_blank">{escape(one.id)}</a>' if url else f" · {escape(one.id)}"


def _told(output: Any) -> str:
    """An output as text: the pieces of a text are one, and what is long ends early."""
    if isinstance(output, list) and all(isinstance(piece, str) for piece in output):
        files = any(piece.startswith(("https://", "http://", "data:")) for piece in output)
        text = "\n".join(piece[:_OUTPUT] for piece in output) if files else "".join(output)
    else:
        text = output if isinstance(output, str) else json.dumps(output, indent=2, ensure_ascii=False)
    return text if len(text) <= _OUTPUT else f"{text[:_OUTPUT]}… ({len(text):,} characters)"
