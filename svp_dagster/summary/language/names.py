"""Names in a text, as far as capitals tell them: German writes every noun with one, and many scripts have none."""

from __future__ import annotations

import re

from svp_dagster.summary.language.tongues import languages

_NAME = re.compile(r"(?<![.!?:…])\s(?P<name>[A-ZÀ-Þ][\w'’-]{2,})")


def capitalised_names(text: str, likely: str = "") -> list[str]:
    """Return the words with a capital that no beginning of a sentence explains, none of a text in German.

    Short texts may be in several languages. Then it is the likely one, if it is among them.
    """
    if _is_german(text, likely):
        return []
    return [found["name"] for found in _NAME.finditer(text)]


def _is_german(text: str, likely: str) -> bool:
    possible = languages(text)
    if likely in possible or not likely:
        return likely == "de" or possible == {"de"}
    return "de" in possible
