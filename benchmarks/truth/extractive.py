"""Part `extractive`: what the engine without a key writes, against what it may say.

    extractive_wrong    wrong values ÷ values written, titles not counted

Titles are printed beside it: each video has one, so that they would dilute the share.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchmarks.truth.parts import load, print_table, request_for
from svp_dagster.models import JsonObject, Summary
from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.ports import SummaryRequest
from svp_dagster.summary.engines import ExtractiveSummarizer

HALVES = ("tuned", "held out")
VERDICTS = ("right", "partly", "wrong", "missing", "rightly blank")


class _Unpaid:
    """A meter for an engine that pays nothing."""

    def require_budget(self) -> None:
        raise AssertionError("the engine without a key asks for money")

    def record(self, usage: object) -> None:  # noqa: ARG002 (the port's signature)
        raise AssertionError("the engine without a key asks for money")


def measure() -> dict[str, float]:
    """Summarise all videos, print a table, and return the share of wrong values."""
    cells = [cell for video in load("extractive.yaml") for cell in judge(video)]
    counts = Counter((half, is_title, verdict) for half, is_title, verdict, _ in cells)
    rows = [
        [f"{'titles' if is_title else 'columns'}, {half}", *(counts[half, is_title, verdict] for verdict in VERDICTS)]
        for half in HALVES
        for is_title in (False, True)
    ]
    print_table(["cells", *VERDICTS], rows)
    verdicts = Counter(verdict for _, is_title, verdict, _ in cells if not is_title)
    written = verdicts["right"] + verdicts["partly"] + verdicts["wrong"]
    return {"extractive_wrong": verdicts["wrong"] / written}


def judge(video: JsonObject) -> list[tuple[str, bool, str, str]]:
    """Return half, whether it is the title, verdict and a description of each cell of a video."""
    request = request_for(video)
    summary = ExtractiveSummarizer().summarize(request, meter=_Unpaid())
    allowed = video["may say"]
    return [
        (
            video["half"],
            column.type is ColumnType.TITLE,
            _verdict(column, summary, allowed.get(column.name)),
            f"{video['name']}: {column.name} = {_value(column, summary)!r}",
        )
        for column in _columns(request)
    ]


def _columns(request: SummaryRequest) -> tuple[Column, ...]:
    return request.data_schema.columns


def _value(column: Column, summary: Summary) -> Any:
    fill = summary.properties.get(column.name)
    return None if fill is None else fill.value


def _verdict(column: Column, summary: Summary, allowed: Any) -> str:
    value = _value(column, summary)
    if value is None:
        return "rightly blank" if allowed is None else "missing"
    if allowed is None:
        return "wrong"
    if isinstance(allowed, dict):
        return _verdict_on_text(str(value), allowed)
    if isinstance(value, list):
        known = [one for one in value if one in allowed]
        return "wrong" if len(known) < len(value) else "right" if len(known) == len(allowed) else "partly"
    return "right" if value in allowed else "wrong"


def _verdict_on_text(text: str, allowed: JsonObject) -> str:
    folded = text.casefold()
    if any(word.casefold() in folded for word in allowed.get("lacks", ())):
        return "wrong"
    held = sum(word.casefold() in folded for word in allowed["holds"])
    return "right" if held == len(allowed["holds"]) else "partly" if held else "wrong"
