"""IPython's shell as this package uses it: records what is displayed, and formats with IPython."""

from __future__ import annotations

from typing import Any

from IPython.core.formatters import DisplayFormatter


class FakeShell:
    """A shell of a notebook, or of a terminal, which has no kernel and takes plain text only."""

    def __init__(self, *, is_notebook: bool = True) -> None:
        self.kernel = object() if is_notebook else None
        self.display_pub = self
        self.display_formatter = DisplayFormatter()
        if not is_notebook:
            self.display_formatter.active_types = ["text/plain"]
        self.outputs: dict[str, dict[str, str]] = {}
        self.publish_count = 0

    def publish(
        self, *, data: dict[str, str], metadata: object, transient: dict[str, str], update: bool
    ) -> None:
        """Record what is displayed. An output must exist before it is updated."""
        display_id = transient["display_id"]
        assert update == (display_id in self.outputs)
        self.outputs[display_id] = data
        self.publish_count += 1

    def html_of(self, value: Any) -> str | None:
        """Return what IPython makes of a value for a notebook."""
        data, _ = self.display_formatter.format(value)
        html: str | None = data.get("text/html")
        return html
