"""The end of a test run names the checks that were skipped, and why: one line each, also under xdist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from tests.openapi import DESCRIPTION


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the lines. Under xdist the workers' reports arrive at the process that this runs in."""
    lines = list(skipped_lines(terminalreporter.stats.get("skipped", [])))
    if not DESCRIPTION.exists():
        # Beside the tests that ask for it, each test with a stand-in for Notion checks its requests with it.
        lines.append(f"requests to Notion are not held against its OpenAPI description: it is not at {DESCRIPTION}")
    if lines:
        terminalreporter.write_sep("=", "checks that were skipped")
        for line in lines:
            terminalreporter.write_line(line)


def skipped_lines(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> Iterator[str]:
    """Yield a line for each test and reason, with the number of its examples where it has several."""
    found = Counter((report.nodeid.split("[")[0], _reason(report)) for report in reports)
    for (name, reason), count in sorted(found.items()):
        yield f"{name}{f' ({count} times)' if count > 1 else ''}: {reason}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    _, _, words = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
    return " ".join(words.removeprefix("Skipped: ").split())
