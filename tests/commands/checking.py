"""The lines of `svp check`, found by their names."""

from __future__ import annotations

from collections.abc import Iterable

from svp_dagster.commands.checks.line import CheckLine


def verdicts(lines: Iterable[CheckLine]) -> dict[str, str]:
    """The verdict of each line by its name."""
    return {line.name: line.verdict for line in lines}


def line(lines: Iterable[CheckLine], name: str) -> CheckLine:
    """The one line of a name."""
    (found,) = (line for line in lines if line.name == name)
    return found
