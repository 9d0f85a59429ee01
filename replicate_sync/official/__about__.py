"""The version of the official client whose behaviour this is."""

from __future__ import annotations

__version__ = "1.0.7"
