"""The page about security names the modules that keep its promises, each of which exists."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"


def named_modules() -> dict[str, set[str]]:
    """Return the modules of tests that each name in the page stands for."""
    names = re.findall(r"`(?:tests/)?((?:\w+/)*test_[\w*]+)`", PAGE.read_text())
    return {name: {path.name for path in TESTS.rglob(f"{name}.py")} for name in names}


def test_every_module_that_the_page_names_exists() -> None:
    assert [name for name, found in named_modules().items() if not found] == []


def test_the_page_names_every_module() -> None:
    named = set().union(*named_modules().values())
    assert {path.name for path in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).name} - named == set()
