"""Names in a text, as far as capitals tell them: not in German, nor in scripts without capitals."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?<![.!?:…])\s(?P<name>[A-ZÀ-Þ][\w'’-]{2,})")


def capitalised_names(text: str) -> list[str]:
    """Return the words with a capital that no beginning of a sentence explains."""
    return [found["name"] for found in _NAME.finditer(text)]
