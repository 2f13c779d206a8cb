"""The failure table as a page for people: `python -m svp_dagster.commands.failures_page > docs/failures.md`."""

from __future__ import annotations

import re
import sys
from textwrap import fill

from svp_dagster.errors import BUDGET_CODES, HOUR_S, MINUTE_S, OPERATOR_CODES, TABLE, Code, FailureKind, Retry

_HEAD = """\
# When something goes wrong

Every failure has a code, which is stored and counted, and a sentence, which the owner of the row reads in Notion and
on the app's pages. Words in *italics* stand for what is known at that moment.

What may pass by itself doesn't end a row: it waits, is tried again at the time that its sentence names, and has failed
for good only when that didn't help for a day (see `svp_dagster/rows/waiting.py`).

{alerts}

This page is made from `svp_dagster/errors.py` by `python -m svp_dagster.commands.failures_page > docs/failures.md`.

| code | when it is repeated | sentence |
|---|---|---|
"""


def render() -> str:
    """Return the page, in Markdown."""
    return _HEAD.format(alerts=_alerts()) + "".join(
        f"| `{code}` | {_when(code, kind)} | {_for_people(kind.sentence)} |\n" for code, kind in TABLE.items()
    )


def _alerts() -> str:
    codes = ", ".join(f"`{code}`" for code in TABLE if code in OPERATOR_CODES)
    return fill(f"The operator is [alerted](operating.md#alerts) of failures of the installation: {codes}.", width=120)


def _when(code: Code, kind: FailureKind) -> str:
    if code in BUDGET_CODES:
        return "with the next month, or as soon as the cap is raised"
    match kind.retry:
        case Retry.NOW:
            return "at once, a few times; then it waits"
        case Retry.LATER:
            return f"after {_duration(kind.later_s)}, or when the service says"
        case Retry.NEVER:
            return "never by itself"


def _duration(seconds: int) -> str:
    if seconds % HOUR_S == 0:
        return f"{seconds // HOUR_S} h"
    return f"{seconds // MINUTE_S} min"


def _for_people(sentence: str) -> str:
    return re.sub(r"\{(\w+)\}", r"*\1*", sentence).replace("|", r"\|")


if __name__ == "__main__":
    sys.stdout.write(render())
