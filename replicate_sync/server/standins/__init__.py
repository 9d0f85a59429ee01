"""The models that every server brings: small local programs with the names and inputs of known models.

Importing the package registers them. What makes text (`text`) and pictures (`images`) lives here, without a word about
HTTP; models for tests belong to `testing`.
"""

from __future__ import annotations

from . import builtin_models as builtin_models
