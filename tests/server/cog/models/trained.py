"""A model that can be trained: the weights are what was given, in capitals."""

from __future__ import annotations

from typing import List

from cog import BaseModel, BasePredictor, Input, Path, Secret


class Word(BaseModel):
    text: str
    file: Path


class TrainingOutput(BaseModel):
    weights: Path


class Predictor(BasePredictor):
    def predict(self, text: str = Input(), key: Secret = Input(default=None)) -> List[Word]:
        print("key", key)
        words = []
        for number, word in enumerate(text.split()):
            path = Path(f"/tmp/word-{number}.txt")
            path.write_text(word)
            words.append(Word(text=word, file=path))
        return words


def train(
    text: str = Input(description="What to learn"), steps: int = Input(default=2, ge=1)
) -> TrainingOutput:
    for step in range(steps):
        print(f"step {step + 1} of {steps}")
    weights = Path("weights.txt")
    weights.write_text(text.upper())
    return TrainingOutput(weights=weights)
