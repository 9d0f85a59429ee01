"""Writes word by word, as a language model does, and opens a file of its project."""

import time

from cog import BasePredictor, ConcatenateIterator, Input
from words_between import gap


class Predictor(BasePredictor):
    def setup(self) -> None:
        with open("own.txt") as file:
            self.own = file.read().strip()

    def predict(
        self,
        prompt: str = Input(description="Text to say again, word by word"),
        delay: float = Input(description="Seconds between two words", default=0.0, ge=0, le=5),
        fail_after: int = Input(default=None),
    ) -> ConcatenateIterator[str]:
        print(f"saying {len(prompt.split())} words")
        for number, word in enumerate(prompt.split() or [self.own]):
            if number == fail_after:
                raise ValueError("no more words")
            self.record_metric("word_count", 1, mode="incr")
            yield gap(number) + word
            time.sleep(delay)
