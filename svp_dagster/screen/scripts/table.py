"""The scripts that Tesseract reads for RapidOCR, with its languages and Debian's packages.

RapidOCR's models read Latin, Chinese and Japanese.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from svp_dagster.screen.scripts import tesseract

LEAST_SHARE = 1 / 3
"""Share of a line's letters that are of its script: the rest may be names in Latin letters."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script, the codes of Tesseract's languages that read it, and its letters."""

    name: str
    languages: tuple[str, ...]
    letters: re.Pattern[str]

    @property
    def installed(self) -> list[str]:
        """Those of its languages that are installed."""
        return [language for language in self.languages if language in tesseract.installed_languages()]

    def fits(self, text: str) -> bool:
        """Return whether enough of the text's letters are of this script."""
        letters = sum(unicodedata.category(char)[0] in "LM" for char in text)
        return letters > 0 and len(self.letters.findall(text)) >= LEAST_SHARE * letters


GREEK = Script(name="Greek", languages=("ell",), letters=re.compile("[\u0370-\u03ff\u1f00-\u1fff]"))
OTHER_SCRIPTS = (
    Script(name="Cyrillic", languages=("rus", "ukr"), letters=re.compile("[\u0400-\u052f]")),
    Script(name="Arabic", languages=("ara",), letters=re.compile("[\u0600-\u06ff\u0750-\u077f]")),
    Script(name="Devanagari", languages=("hin",), letters=re.compile("[\u0900-\u097f]")),
    Script(name="Korean", languages=("kor",), letters=re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")),
    Script(name="Hebrew", languages=("heb",), letters=re.compile("[\u0590-\u05ff]")),
    GREEK,
    Script(name="Thai", languages=("tha",), letters=re.compile("[\u0e00-\u0e7f]")),
)
VIETNAMESE = Script(name="Vietnamese", languages=("vie",), letters=re.compile("[A-Za-z\u00c0-\u024f\u1ea0-\u1ef9]"))
LATIN = Script(name="Latin", languages=(tesseract.ENGLISH,), letters=re.compile("[A-Za-z]"))
SCRIPTS = (*OTHER_SCRIPTS, VIETNAMESE)


def installed_languages() -> list[str]:
    """Return the languages that serve here, in a stable order."""
    return [language for script in SCRIPTS for language in script.installed]


def coverage() -> str:
    """Return what is read here beside Latin, Chinese and Japanese, or what is missing for it, for the operator."""
    missing = missing_packages()
    if not missing:
        return f"with Tesseract for {', '.join(script.name for script in SCRIPTS)}"
    packages = " ".join(package for each in missing.values() for package in each)
    return f"without {', '.join(missing)}: on Debian or Ubuntu `apt-get install tesseract-ocr {packages}`"


def missing_packages() -> dict[str, list[str]]:
    """Return Debian's packages that are missing here, by script."""
    missing = {
        script.name: [f"tesseract-ocr-{language}" for language in script.languages if language not in script.installed]
        for script in SCRIPTS
    }
    return {name: packages for name, packages in missing.items() if packages}
