"""A module beside the predictor."""


def gap(number: int) -> str:
    return " " if number else ""
