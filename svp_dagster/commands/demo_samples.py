"""The rows that `svp demo` adds, how each should end, and the report of how it did."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from svp_dagster.models import Status
from svp_dagster.store.entries import Entry

STAGES = ("download", "transcribe", "read_screen", "summarize", "publish")
TABLE_WIDTH = 180


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A row that the demo adds, and how it should end."""

    about: str
    url: str
    tag: str
    ends: Status
    failure_code: str | None = None


TIKTOK = "https://www.tiktok.com"
INSTAGRAM = "https://www.instagram.com"

SAMPLES = (
    Sample(
        about="a recipe, spoken, with platform captions",
        url=f"{TIKTOK}/@weeknight.kitchen/video/7512345678901234501?is_from_webapp=1",
        tag="cooking",
        ends=Status.COMPLETED,
    ),
    Sample(
        about="a recipe, spoken, without captions",
        url=f"{INSTAGRAM}/reel/DOpancakes1/?igsh=MzRlODBiNWFlZA==",
        tag="cooking",
        ends=Status.COMPLETED,
    ),
    Sample(
        about="a café, silent, text on the screen",
        url=f"{TIKTOK}/@porto.finds/video/7512345678901234502",
        tag="places",
        ends=Status.COMPLETED,
    ),
    Sample(
        about="a ramen shop, music, in Japanese",
        url=f"{INSTAGRAM}/reel/DOramen0001/",
        tag="places",
        ends=Status.COMPLETED,
    ),
    Sample(
        about="a lake, music and nothing else",
        url=f"{TIKTOK}/@lake.diary/video/7512345678901234503",
        tag="places",
        ends=Status.COMPLETED,
    ),
    Sample(
        about="a private post",
        url=f"{TIKTOK}/@not.for.you/video/7512345678901234620",
        tag="places",
        ends=Status.FAILED,
        failure_code="private",
    ),
    Sample(
        about="three hours long",
        url=f"{TIKTOK}/@long.talks/video/7512345678901234701",
        tag="places",
        ends=Status.FAILED,
        failure_code="too_long",
    ),
    Sample(
        about="a tag without a Content Database",
        url=f"{TIKTOK}/@weeknight.kitchen/video/7512345678901234501",
        tag="gardening",
        ends=Status.FAILED,
        failure_code="unknown_tag",
    ),
)


def print_outcome(rows: dict[str, Sample], entries: dict[str, Entry]) -> None:
    """Print a table of the rows, and the links of the pages that were made."""
    console = Console(width=TABLE_WIDTH, highlight=False)
    console.print(_table(rows, entries))
    for page_id, sample in rows.items():
        if page_id in entries and entries[page_id].content_page_url:
            console.print(f"{sample.about}: {entries[page_id].content_page_url}", soft_wrap=True)  # to be clicked


def _table(rows: dict[str, Sample], entries: dict[str, Entry]) -> Table:
    table = Table(title="Seconds per stage")
    for heading in ("row", "status", "reason", *STAGES):
        table.add_column(heading, no_wrap=True)
    table.add_column("engines", overflow="fold")
    for page_id, sample in rows.items():
        entry = entries.get(page_id)
        if entry is None:
            table.add_row(f"{sample.about} ({sample.tag})", "never seen")
            continue
        seconds = [f"{entry.stage_seconds[stage]:.1f}" if stage in entry.stage_seconds else "" for stage in STAGES]
        engines = ", ".join(dict.fromkeys(engine for engine in entry.engines.values() if engine != "none"))
        name = f"{sample.about} ({sample.tag})"
        table.add_row(name, entry.status.value, entry.failure_code or "", *seconds, engines)
    return table


def verdict(rows: dict[str, Sample], entries: dict[str, Entry]) -> str:
    """Return a sentence that names the rows that ended otherwise than they should; '' if there are none."""
    wrong = [
        sample.about
        for page_id, sample in rows.items()
        if page_id not in entries
        or (entries[page_id].status, entries[page_id].failure_code) != (sample.ends, sample.failure_code)
        or (sample.ends is Status.COMPLETED and not entries[page_id].content_page_url)
    ]
    return f"Not as they should have ended: {'; '.join(wrong)}." if wrong else ""
