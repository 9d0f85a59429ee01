"""The responses that say what is wrong with a request."""

from __future__ import annotations

from typing import Any

from ..validation import Problem


class Refusal(Exception):
    """Ends a request with an error answer: a status, and a problem body."""

    def __init__(self, status: int, detail: str, title: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"detail": detail, "status": status}
        self.body |= ({"title": title} if title else {}) | more


def not_found() -> Refusal:
    """Give the answer for an unknown route, id or model."""
    return Refusal(404, "The requested resource could not be found.")


def bare(status: int, detail: str) -> Refusal:
    """Give an answer that says its detail, and nothing else."""
    refusal = Refusal(status, detail)
    refusal.body = {"detail": detail}
    return refusal


def unknown_version() -> Refusal:
    """Give the answer for a version that does not exist."""
    detail = "The specified version does not exist (or perhaps you don't have permission to use it?)"
    return Refusal(422, detail, "Invalid version or not permitted")


def invalid(problems: list[Problem]) -> Refusal:
    """Give the answer for a body or an input with these problems."""
    lines = [f"- {p.field}: {p.description}\n" if p.field else f"- {p.description}\n" for p in problems]
    fields = [problem._asdict() for problem in problems]
    return Refusal(422, "".join(lines), "Input validation failed", invalid_fields=fields)
