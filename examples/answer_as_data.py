"""Get an answer as an object instead of text, and use its fields.

python examples/answer_as_data.py "Two eggs, 100 g of flour and a cup of milk."
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import replicate_sync


@dataclass
class Ingredient:
    """One line of a shopping list."""

    name: str
    amount: float
    unit: str


@dataclass
class ShoppingList:
    """What has to be bought."""

    ingredients: list[Ingredient]


online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
recipe = " ".join(sys.argv[1:]) or "Two eggs, 100 g of flour and a cup of milk."
try:
    shopping_list = client.chat(
        f"List the ingredients: {recipe}", "openai/gpt-5-structured", schema=ShoppingList
    )
except replicate_sync.InvalidAnswerError as error:
    raise SystemExit(f"The model wrote something else: {error.text}") from error
for ingredient in shopping_list.ingredients:
    print(ingredient.amount, ingredient.unit, ingredient.name)
