"""Makes the pictures of the README and of the site, light and dark, into docs/pages/assets.

Run it in the root of a checkout: `python docs/screenshots.py`. It needs the extra "docs" and
Chromium; the variable CHROMIUM names another program than `chromium`.

Beside the pictures it writes hashes of what they show. With `--check` it makes no picture, needs no
Chromium, and fails if what they show has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import requests
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI, TerminalTheme
from rich.text import Text

import replicate_sync
from replicate_sync import Replicate
from replicate_sync.offline import LocalReplicate

ASSETS = Path(__file__).parent / "pages" / "assets"
HASHES = ASSETS / "screenshots.json"
PACKAGE = Path(replicate_sync.__file__).parent
#: What decides how the text in the pictures looks; what draws the landscapes.
STYLES = (
    Path(__file__),
    PACKAGE / "server" / "web" / "static" / "page.css",
    PACKAGE / "server" / "web" / "static" / "page.js",
    PACKAGE / "server" / "standins" / "images.py",
)
#: Differ from one time to the next, and are no reason for new pictures: content, ids, ports.
VOLATILE = re.compile(r"base64,[^\"]+|(?<=cell-id=)\w+|(?<=127\.0\.0\.1:)\d+")
REPLY = (
    "Rivers begin as springs in the hills. They carry water, sand and seeds down to the sea. "
    "On the way they have made valleys, fields and most of our towns."
)
WIDTH = 860  # pixels
COLUMNS = 84
COLOR_SCHEMES = {"light": 1, "dark": 0}  # as Chromium numbers them

LIGHT = TerminalTheme(
    background=(255, 255, 255),
    foreground=(36, 41, 47),
    normal=[
        (36, 41, 47),
        (207, 34, 46),
        (17, 99, 41),
        (77, 45, 0),
        (9, 105, 218),
        (130, 80, 223),
        (27, 124, 131),
        (110, 119, 129),
    ],
)
TERMINAL_PAGE = """\
<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; background: {background}; color: {foreground}; padding: 22px; }}
pre {{ font: 15px/1.5 "DejaVu Sans Mono", monospace; margin: 0; white-space: pre-wrap; }}
{stylesheet}
</style><pre>{code}</pre>
"""
COMMANDS = (
    ["chat", "Tell me about rivers.", "--max-tokens", "40"],
    ["run", "replicate/hello-world", "-i", "text=Alice"],
    ["run", "black-forest-labs/flux-schnell", "-i", "prompt=a lighthouse", "-o", "out/"],
    ["models", "show", "replicate/hello-world"],
)
CELLS = (
    "from replicate_sync import Replicate, show\n\nclient = Replicate()\nreply = show(client.chat("
    '"Tell me about rivers.", max_tokens=40))',
    'prompt = {"prompt": "a lighthouse at dusk", "num_outputs": 2, "seed": 12}\n'
    'client.run("black-forest-labs/flux-schnell", prompt)',
)


def in_terminal(command: list[str]) -> str:
    """Return what a command writes to a terminal."""
    written: list[bytes] = []

    def read(descriptor: int) -> bytes:
        piece = os.read(descriptor, 4096)
        written.append(piece)
        return b" "  # nothing is shown here; the end of file would end the copying

    pty.spawn(command, read)
    return b"".join(written).decode().replace("\r\n", "\n")


def terminal_text() -> str:
    """Return a session in a terminal, with its colors."""
    program = str(Path(sys.executable).parent / "replicate-sync")
    parts = []
    for arguments in COMMANDS:
        words = [f"'{word}'" if " " in word else word for word in arguments]
        parts.append(f"\x1b[1m$ replicate-sync {' '.join(words)}\x1b[0m\n")
        parts.append(in_terminal([program, *arguments]).strip("\n") + "\n\n")
    return "".join(parts)


def terminal_page(text: str, theme: TerminalTheme) -> str:
    """Return a page that shows what was written to a terminal."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(text))
        return console.export_html(theme=theme, code_format=TERMINAL_PAGE, inline_styles=True)


def executed_notebook() -> nbformat.NotebookNode:
    """Return a notebook with the outputs of its cells."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    return NotebookClient(notebook, kernel_name="python3").execute()


def notebook_page(notebook: nbformat.NotebookNode, theme: str) -> str:
    """Return a page with a notebook."""
    page, _ = HTMLExporter(theme=theme, embed_images=True).from_notebook_node(notebook)
    return str(page)


def server_page(address: str) -> str:
    """Return the page of a model as it is when its form has been filled in, and has run.

    Args:
        address: The page with its form filled in as that of a prediction, which has ended.
    """
    model_page, _, prediction_id = address.partition("?from=")
    origin, _, _ = model_page.partition("/m/")
    prediction = requests.get(f"{origin}/p/{prediction_id}", timeout=60).text
    [panel] = re.findall("<article class=.panel.*?</article>", prediction, re.DOTALL)
    page = requests.get(address, timeout=60).text.replace("<head>", f'<head><base href="{origin}">')
    # A page of another origin, such as this one from a file, may load no styles from the server.
    styles = requests.get(f"{origin}/static/page.css", timeout=60).text
    link = '<link rel="stylesheet" href="/static/page.css">'
    assert link in page
    page = page.replace(link, f"<style>{styles}</style>")
    head, empty, tail = page.partition('<div class="empty">')
    assert empty
    return head + panel + tail.partition("</div>")[2]


def take(page: str, name: str, height: int, theme: str = "light", width: int = WIDTH) -> None:
    """Write a picture of a page."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(page, encoding="utf-8")
        chromium = os.environ.get("CHROMIUM", "chromium")
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
        flags += " --disable-background-networking --disable-component-update --disable-sync"
        subprocess.run(
            [
                chromium,
                *flags.split(),
                "--hide-scrollbars",
                f"--blink-settings=preferredColorScheme={COLOR_SCHEMES[theme]}",
                f"--user-data-dir={folder}/profile",
                f"--window-size={width},{height}",
                "--virtual-time-budget=3000",
                f"--screenshot={ASSETS / name}",
                source.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


class Shown(NamedTuple):
    """What the pictures show.

    Attributes:
        terminal: The text of a session in a terminal.
        notebook: An executed notebook.
        server: The address of a page of the local server.
    """

    terminal: str
    notebook: nbformat.NotebookNode
    server: str

    def hashes(self) -> dict[str, str]:
        """Return a hash of each, and one of what decides how they look."""
        outputs = [cell.outputs for cell in self.notebook.cells]
        texts = {
            "terminal": self.terminal,
            "notebook": json.dumps(outputs, sort_keys=True),
            "server": requests.get(self.server, timeout=60).text,
            "styles": "".join(path.read_text(encoding="utf-8") for path in STYLES),
        }
        return {
            name: hashlib.sha256(VOLATILE.sub("", text).encode()).hexdigest()
            for name, text in texts.items()
        }


def run_all(client: LocalReplicate) -> Shown:
    """Run what the pictures show, on a local server."""
    client.server.script(Replicate.default_model, tokens=re.findall(r"\S+ ?", REPLY), delay=0.01)
    os.environ["REPLICATE_BASE_URL"] = client.server.url
    os.environ["REPLICATE_API_TOKEN"] = client.server.token
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        text = terminal_text()
        notebook = executed_notebook()
        os.chdir(here)
    model = "black-forest-labs/flux-schnell"
    prompt = {"prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "seed": 12}
    filled_from = client.predictions.create(model, prompt).wait().id
    address = client.server.url.removesuffix("/v1")
    return Shown(text, notebook, f"{address}/m/{model}?from={filled_from}")


def take_all(shown: Shown) -> None:
    """Write all pictures, and the hashes of what they show."""
    for theme in COLOR_SCHEMES:
        take(server_page(shown.server), f"server-{theme}.png", 940, theme, width=1280)
        take(notebook_page(shown.notebook, theme), f"notebook-{theme}.png", 490)
    take(terminal_page(shown.terminal, LIGHT), "terminal-light.png", 490)
    take(terminal_page(shown.terminal, DIMMED_MONOKAI), "terminal-dark.png", 490)
    HASHES.write_text(json.dumps(shown.hashes(), indent=2) + "\n", encoding="utf-8")


def check(shown: Shown) -> None:
    """Leave with a sentence if what the pictures show has changed since they were made."""
    known = json.loads(HASHES.read_text(encoding="utf-8"))
    changed = [name for name, value in shown.hashes().items() if known.get(name) != value]
    if changed:
        names = ", ".join(changed)
        sys.exit(f"Make the pictures again with `python docs/screenshots.py`: changed in {names}.")


if __name__ == "__main__":
    with replicate_sync.local() as client:
        shown = run_all(client)
        if sys.argv[1:] == ["--check"]:
            check(shown)
        else:
            take_all(shown)
