"""Runs three at a time."""

import asyncio

import cog
from cog import AsyncConcatenateIterator, BaseRunner


class Runner(BaseRunner):
    async def setup(self) -> None:
        self.running = 0

    @cog.streaming
    @cog.concurrent(max=3)
    async def run(self, seconds: float = 0.1) -> AsyncConcatenateIterator[str]:
        self.running += 1
        await asyncio.sleep(seconds)
        yield str(self.running)
        await asyncio.sleep(seconds)
        self.running -= 1
