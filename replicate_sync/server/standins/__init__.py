"""The models that every server brings: small local programs with the names and inputs of real ones.

Importing the package registers them, in `text_models`, `chat_models`, `image_models` and
`sample_models`. What makes the text and the pictures is beside them, in `text` and `images`.
Nothing here knows HTTP, and models for tests belong to `testing`.
"""

from __future__ import annotations

# isort: off
# Models are listed in the order in which they are registered.
from . import text_models as text_models
from . import chat_models as chat_models
from . import image_models as image_models
from . import sample_models as sample_models
