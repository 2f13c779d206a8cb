"""Compare what Tesseract read of a line with what RapidOCR read."""

from __future__ import annotations

import re
import unicodedata

from rapidfuzz import fuzz

from svp_dagster.models import Word
from svp_dagster.screen.scripts.tesseract import Reading

SAME_LETTERS = 70
"""Least similarity (0 to 100) of two readings of a Vietnamese line without their marks, or of a name in Latin letters.
"""

_LATIN_WORD = re.compile("[A-Za-z]{2,}")


def is_marked(reading: Reading, word: Word) -> bool:
    """Return whether a reading only adds what RapidOCR leaves out of a Vietnamese line."""
    alike = fuzz.ratio(_without_marks(reading.text), _without_marks(word.text)) >= SAME_LETTERS
    return alike and not reading.text.isascii()


def has_names(reading: Reading, word: Word) -> bool:
    """Return whether RapidOCR saw the Latin words of a reading too."""
    names = _LATIN_WORD.findall(reading.text)
    return all(fuzz.partial_ratio(name, word.text) >= SAME_LETTERS for name in names)


def _without_marks(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(char for char in parts if unicodedata.category(char) != "Mn")
