"""Files and predictions as HTML, as a notebook displays them.

Nothing here does I/O. No colors are named, so that a dark theme stays dark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

from .logs import Progress, last_lines

_MAX_OUTPUT = 2000  # characters of an output that are displayed
_LOG_LINES = 8  # the last ones
_OUTPUT_TAG = '<pre style="white-space:pre-wrap;max-height:24em;overflow:auto;margin:4px 0">'
_LOGS_TAG = '<pre style="white-space:pre-wrap;opacity:.7;margin:4px 0">'
# A picture would take the room of its full size, and stand alone in its row.
_CELL_TAG = '<div style="flex:0 0 256px;max-width:100%">'
_ROW_TAG = '<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">'
_WEB_SCHEMES = ("https://", "http://")
_FILE_SCHEMES = (*_WEB_SCHEMES, "data:")


class DisplayedPrediction(Protocol):
    """What is displayed of a prediction or a training."""

    @property
    def label(self) -> str:
        """What it is called: "Prediction" or "Training"."""
        ...

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def status(self) -> str:
        """Its status, such as "processing"."""
        ...

    @property
    def model(self) -> str | None:
        """Its model, as "owner/name"."""
        ...

    @property
    def output(self) -> object:
        """Its output, as JSON; None as long as there is none."""
        ...

    @property
    def error(self) -> str | None:
        """Why it failed."""
        ...

    @property
    def logs(self) -> str:
        """What the model wrote to its logs."""
        ...

    @property
    def urls(self) -> Mapping[str, object]:
        """Its URLs; "web" is its page."""
        ...

    @property
    def progress(self) -> Progress | None:
        """How far it is."""
        ...

    @property
    def predict_time(self) -> float | None:
        """How many seconds the model ran."""
        ...


def media(mime_type: str, name: str, source: str) -> str:
    """Return a file as HTML: a picture, a player for sound or video, or a link to anything else.

    Args:
        mime_type: The MIME type of the file.
        name: The name of the file.
        source: Its URL, or a data URI with its content.

    Returns:
        HTML; only the name if the source is neither.
    """
    if not source.startswith(_FILE_SCHEMES):
        return escape(name)
    url = escape(source)
    title = escape(name)
    if mime_type.startswith("image/"):
        style = "max-width:100%;height:auto;margin:0"
        return f'<img src="{url}" alt="{title}" title="{title}" style="{style}">'
    if mime_type.startswith("audio/"):
        return f'<audio controls preload="metadata" src="{url}" style="max-width:100%"></audio>'
    if mime_type.startswith("video/"):
        style = "max-width:100%;max-height:480px"
        return f'<video controls preload="metadata" src="{url}" style="{style}"></video>'
    return f'<a href="{url}" download="{title}">{title}</a>'


def row(cells: Sequence[str]) -> str:
    """Return several pieces of HTML side by side, in as many rows as they need.

    Args:
        cells: HTML. A single cell is returned as it is.
    """
    if len(cells) == 1:
        return cells[0]
    divs = [f"{_CELL_TAG}{cell}</div>" for cell in cells]
    return f"{_ROW_TAG}{''.join(divs)}</div>"


def note(text: str) -> str:
    """Return plain text as HTML that stands in the place of what could not be displayed."""
    return f"<em>{escape(text)}</em>"


def prediction_html(prediction: DisplayedPrediction, media: Sequence[str]) -> str:
    """Return a prediction as HTML: status, time, progress, output, the end of its logs, a link.

    Args:
        prediction: The prediction.
        media: The files in its output, each as HTML already; they are displayed instead of the
            output.
    """
    title = escape(_title(prediction))
    parts = [f"<div><b>{title}</b> · {escape(_state(prediction))}{_link(prediction)}</div>"]
    progress = _current_progress(prediction)
    if progress:
        parts.append(
            f'<progress value="{progress.current}" max="{progress.total}" style="width:16em">'
            "</progress>"
        )
    if prediction.error:
        parts.append(f"{_OUTPUT_TAG}{escape(prediction.error)}</pre>")
    if media:
        parts.append(row(media))
    elif prediction.output is not None:
        parts.append(f"{_OUTPUT_TAG}{escape(_output_text(prediction.output))}</pre>")
    logs = _end_of_logs(prediction)
    if logs:
        parts.append(f"{_LOGS_TAG}{escape(logs)}</pre>")
    return f"<div>{''.join(parts)}</div>"


def prediction_text(prediction: DisplayedPrediction) -> str:
    """Return a prediction as plain text, with what `prediction_html` displays."""
    from .terminal import printable  # late, as a list that is displayed does not need it

    heading = f"{prediction.label} {prediction.id}"
    lines = [f"{heading}: {_title(prediction)}, {_state(prediction)}"]
    if prediction.error:
        lines.append(f"error: {prediction.error}")
    if prediction.output is not None:
        lines.append(f"output: {_output_text(prediction.output)}")
    logs = _end_of_logs(prediction)
    if logs:
        lines.append("logs:")
        lines.extend(f"  {line}" for line in logs.splitlines())
    url = _page_url(prediction)
    if url:
        lines.append(url)
    return printable("\n".join(lines))


def _title(prediction: DisplayedPrediction) -> str:
    return prediction.model or prediction.label


def _state(prediction: DisplayedPrediction) -> str:
    parts = [prediction.status]
    seconds = prediction.predict_time
    if seconds is not None:
        parts.append(f"{seconds:.1f} s")
    progress = _current_progress(prediction)
    if progress:
        parts.append(f"{progress.percentage} % ({progress.current} of {progress.total})")
    return ", ".join(parts)


def _current_progress(prediction: DisplayedPrediction) -> Progress | None:
    """Return the progress of a prediction that is being processed."""
    if prediction.status != "processing":
        return None
    return prediction.progress


def _end_of_logs(prediction: DisplayedPrediction) -> str:
    return last_lines(prediction.logs.strip(), _LOG_LINES).strip("\n")


def _page_url(prediction: DisplayedPrediction) -> str | None:
    url = prediction.urls.get("web")
    if isinstance(url, str) and url.startswith(_WEB_SCHEMES):
        return url
    return None


def _link(prediction: DisplayedPrediction) -> str:
    """Return the id, as a link to the prediction's page if it has one."""
    identifier = escape(prediction.id)
    url = _page_url(prediction)
    if url:
        return f' · <a href="{escape(url)}" target="_blank">{identifier}</a>'
    return f" · {identifier}"


def _output_text(output: object) -> str:
    """Return an output as text; what is long is cut."""
    if isinstance(output, str):
        text = output
    elif isinstance(output, list) and all(isinstance(piece, str) for piece in output):
        text = _join_strings(output)
    else:
        text = json.dumps(output, indent=2, ensure_ascii=False)
    if len(text) <= _MAX_OUTPUT:
        return text
    return f"{text[:_MAX_OUTPUT]}… ({len(text):,} characters)"


def _join_strings(strings: list[str]) -> str:
    """Return the pieces of a text as one text, the URLs of files as one line each."""
    if any(string.startswith(_FILE_SCHEMES) for string in strings):
        return "\n".join(string[:_MAX_OUTPUT] for string in strings)
    return "".join(strings)
