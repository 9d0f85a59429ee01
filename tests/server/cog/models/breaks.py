"""Ends as it is told to."""

import os
import time

from cog import BaseRunner


class Runner(BaseRunner):
    def run(self, how: str = "well", seconds: float = 0.0) -> str:
        print(f"process {os.getpid()}", flush=True)
        if how == "block":
            time.sleep(seconds)  # in which Cog cannot end it
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.01)
        if how == "crash":
            os._exit(3)
        if how == "fail":
            raise ValueError("it was told to fail")
        return how
