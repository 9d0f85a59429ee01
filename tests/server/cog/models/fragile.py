"""Does not start where there is a file named `broken` beside it."""

import os
from pathlib import Path

from cog import BaseRunner


class Runner(BaseRunner):
    def setup(self) -> None:
        if Path("broken").exists():
            raise RuntimeError("it is broken")

    def run(self, crash: bool = False) -> str:
        if crash:
            os._exit(1)
        return "whole"
