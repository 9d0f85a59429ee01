"""Makes the pictures of the README and of the site, light and dark, into docs/pages/assets.

Run it in the root of a checkout: `python docs/screenshots.py`. It needs the extra "docs" and
Chromium; the variable CHROMIUM names another program than `chromium`.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI, TerminalTheme
from rich.text import Text

import replicate_sync
from replicate_sync.offline import LocalReplicate

ASSETS = Path(__file__).parent / "pages" / "assets"
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
    ["run", "black-forest-labs/flux-schnell", "-i", "prompt=a lighthouse", "-o", "out/"],
    ["models", "show", "replicate/hello-world"],
)
CELLS = (
    "from replicate_sync import Replicate, show\n\nclient = Replicate()\nreply = show(client.chat("
    '"Tell me about rivers.", max_tokens=40))',
    'prompt = {"prompt": "a lighthouse at dusk", "num_outputs": 2}\n'
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


def notebook_page(theme: str) -> str:
    """Return a page with an executed notebook."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    NotebookClient(notebook, kernel_name="python3").execute()
    page, _ = HTMLExporter(theme=theme, embed_images=True).from_notebook_node(notebook)
    return str(page)


def take_page(page: str, name: str, height: int) -> None:
    """Write a picture of a page."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(page, encoding="utf-8")
        take(source.as_uri(), name, height)


def take(address: str, name: str, height: int, theme: str = "light", width: int = WIDTH) -> None:
    """Write a picture of the page at an address."""
    with tempfile.TemporaryDirectory() as folder:
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
                address,
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


def take_local_server(client: LocalReplicate) -> None:
    """Write pictures of the page that the local server has for a model."""
    model = "black-forest-labs/flux-schnell"
    prompt = {"prompt": "a lighthouse at dusk", "num_outputs": 2, "seed": 7}
    filled_from = client.predictions.create(model, prompt).wait().id
    address = client.server.url.removesuffix("/v1")
    for theme in COLOR_SCHEMES:
        take(
            f"{address}/m/{model}?from={filled_from}", f"server-{theme}.png", 860, theme, width=1280
        )


def main() -> None:
    """Make all pictures."""
    ASSETS.mkdir(exist_ok=True)
    with replicate_sync.local() as client, tempfile.TemporaryDirectory() as folder:
        os.environ["REPLICATE_BASE_URL"] = client.server.url
        os.environ["REPLICATE_API_TOKEN"] = client.server.token
        here = Path.cwd()
        os.chdir(folder)
        text = terminal_text()
        pages = {theme: notebook_page(theme) for theme in ("light", "dark")}
        os.chdir(here)
        take_local_server(client)
    take_page(terminal_page(text, LIGHT), "terminal-light.png", 500)
    take_page(terminal_page(text, DIMMED_MONOKAI), "terminal-dark.png", 500)
    for theme, page in pages.items():
        take_page(page, f"notebook-{theme}.png", 530)


if __name__ == "__main__":
    main()
