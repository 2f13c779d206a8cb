"""How good a page is, as checks of its assets: warnings with shares and counts, whose history is a chart."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from svp_dagster.defs.partitions import link_entries
from svp_dagster.models import ScreenText, Summary, Transcript
from svp_dagster.notion.properties import askable_columns
from svp_dagster.notion.schema import DataSourceSchema

MIN_QUOTES_FOUND = 0.8
MIN_COLUMNS_FILLED = 0.3
MIN_VALUES_SUPPORTED = 0.7

_WORDS = {
    ("transcript", "heard"): "Words were heard without doubt, unless nobody speaks.",
    ("screen_text", "read"): "Where pictures were to be read, some could be, and most of their text.",
    (
        "summary",
        "evidence_checked",
    ): f"At least {MIN_QUOTES_FOUND:.0%} of the quotes stand in the material word by word.",
    ("summary", "columns_filled"): f"At least {MIN_COLUMNS_FILLED:.0%} of the columns have a value.",
    (
        "summary",
        "quotes_support",
    ): f"At least {MIN_VALUES_SUPPORTED:.0%} of the offered values have quotes that support them.",
}

SPECS = [
    dg.AssetCheckSpec(name, asset=asset, description=words, partitions_def=link_entries)
    for (asset, name), words in _WORDS.items()
]
"""None blocks: a page that is worse than others is still a page."""

NAMES = [spec.get_python_identifier() for spec in SPECS]
"""Those of the outputs that stand for the checks."""


def outs(asset: str) -> dict[str, dg.Out]:
    """Return the outputs that stand for the checks of an asset, for the op that makes it."""
    names = [spec.get_python_identifier() for spec in SPECS if spec.asset_key == dg.AssetKey(asset)]
    return {name: dg.Out(dg.Nothing) for name in names}


def heard(transcript: Transcript) -> dg.AssetCheckResult:
    """Check the transcript. One of which the filter of invented text left nothing was not heard."""
    counts = {"words": len(transcript.text.split()), "segments": len(transcript.segments)}
    counts["doubtful"] = int(transcript.doubtful)
    is_silent = transcript.no_speech or transcript.source == "none"
    is_heard = is_silent or (bool(transcript.text) and not transcript.doubtful)
    return _result("transcript", "heard", passed=is_heard, facts=counts)


def read(screen_text: ScreenText) -> dg.AssetCheckResult:
    """Check the text on the screen."""
    counts = {"lines": len(screen_text.lines), "frames_read": screen_text.frames_read}
    passed = screen_text.source == "none" or screen_text.frames_read > 0
    return _result("screen_text", "read", passed=passed, facts=counts)


def evidence_checked(summary: Summary) -> dg.AssetCheckResult:
    """Check how many of the quotes for values were found as they stand. What was only seen is no quote."""
    evidence = (item for fill in summary.properties.values() for item in fill.evidence)
    quotes = [item for item in evidence if item.source != "picture"]
    found = sum(quote.checked for quote in quotes)
    return _share("evidence_checked", found, of=len(quotes), least=MIN_QUOTES_FOUND)


def columns_filled(summary: Summary, columns: DataSourceSchema) -> dg.AssetCheckResult:
    """Check how many of the columns that an engine is asked for have a value."""
    asked = [column.name for column in askable_columns(columns)]
    filled = sum(name in summary.properties for name in asked)
    return _share("columns_filled", filled, of=len(asked), least=MIN_COLUMNS_FILLED)


def quotes_support(summary: Summary) -> dg.AssetCheckResult:
    """Check how many of the values that the engine offered were accepted."""
    accepted = len(summary.properties)
    return _share("quotes_support", accepted, of=accepted + len(summary.left_blank), least=MIN_VALUES_SUPPORTED)


def _share(name: str, count: int, *, of: int, least: float) -> dg.AssetCheckResult:
    """Return a check of the summary by a share. Where there is nothing to share, it passes without one."""
    share = {"share": round(count / of, 3)} if of else {}
    return _result("summary", name, passed=not of or count / of >= least, facts={"count": count, "of": of, **share})


def _result(asset: str, name: str, *, passed: bool, facts: Mapping[str, float]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset, check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=facts
    )
