"""Takes every kind of input there is, and gives an object."""

from __future__ import annotations

import sys
from typing import List, Optional

from cog import BaseModel, BaseRunner, Input, Path, Secret


class Output(BaseModel):
    said: str
    note: Path
    left_out: Optional[str] = None


class Runner(BaseRunner):
    def run(
        self,
        text: str = Input(description="Any text", min_length=1),
        mode: str = Input(default="plain", choices=["plain", "loud"]),
        size: int = Input(default=2, choices=[1, 2, 4]),
        share: float = Input(default=0.5, ge=0, le=1),
        steps: int = Input(default=3, ge=1, le=9),
        flag: bool = False,
        seed: int = Input(default=None),
        maybe: Optional[int] = None,
        tags: List[str] = Input(default=["a"]),
        key: Secret = Input(default=None),
        file: Path = Input(default=None),
        files: Optional[List[Path]] = None,
    ) -> Output:
        print("key:", key)
        print("to stderr", file=sys.stderr)
        read = [one.read_text() for one in [file, *(files or [])] if one is not None]
        told = [
            text.upper() if mode == "loud" else text,
            size,
            share,
            steps,
            flag,
            seed,
            maybe,
            tags,
            read,
        ]
        told.append(key.get_secret_value() if key else None)
        Path("note.txt").write_text("written")
        return Output(said=repr(told), note=Path("note.txt"))
