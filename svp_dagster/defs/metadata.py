"""Metadata of the results for the Dagster UI. The whole is on the Notion page, so texts and pictures are bounded here.

A number is a number or left out, so that the UI can plot it. What a video says or shows goes into code blocks and the
cells of tables alone, where the UI follows no link in it and loads no picture.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Iterable
from typing import Any

import dagster as dg

from svp_dagster.models import ContentPage, PropertyFill, ScreenText, Summary, Transcript, Video

PREVIEW_CHARACTERS = 500
TRANSCRIPT_CHARACTERS = 10_000
PICTURE_BYTES = 100_000
SHOWN_LINES = 100
SHOWN_ROWS = 100

_WIDTH = 110
_VALUES = dg.TableSchema(
    columns=[
        dg.TableColumn("column"),
        dg.TableColumn("value"),
        dg.TableColumn("confidence", "float"),
        dg.TableColumn("quote", description="What the value is based on."),
        dg.TableColumn("checked", "bool", description="Whether the quote stands in the material."),
    ]
)
_BLANKS = dg.TableSchema(columns=[dg.TableColumn("column"), dg.TableColumn("reason")])

Facts = dict[str, Any]


def of_video(video: Video, thumbnail: bytes | None) -> Facts:
    """Return the post's facts and its thumbnail, a JPEG."""
    shown = video.file(video.video_path)
    return _known(
        {
            "title": preview(video.title),
            "uploader": preview(video.uploader),
            "media_key": video.media_key,
            "url": dg.MetadataValue.url(video.url) if video.url else None,
            "duration_s": video.duration_s,
            "size": f"{shown.width_px}×{shown.height_px}" if shown and shown.width_px else None,
            "codec": shown.codec if shown else None,
            "slides": len(video.slides),
            "caption_languages": ", ".join(track.language for track in video.captions),
        }
    ) | picture("thumbnail", thumbnail)


def of_transcript(transcript: Transcript) -> Facts:
    """Return what is said with its times, or why there is nothing."""
    said = [f"{_clock(segment.start_s):>6}  {segment.text}" for segment in transcript.segments] or [transcript.text]
    return _known(
        {
            "transcript": _as_code(said) if transcript.text else None,
            "note": transcript.note,
            "language": transcript.language,
            "segments": len(transcript.segments),
            "words": len(transcript.text.split()),
            "characters": len(transcript.text),
            "no_speech": transcript.no_speech,
        }
    )


def of_screen_text(screen_text: ScreenText, sheet: bytes | None) -> Facts:
    """Return the lines with their places, or why there are none, and a contact sheet, a JPEG."""
    lines = [_with_place(line.text, line.first_s, line.slide) for line in screen_text.lines[:SHOWN_LINES]]
    return _known(
        {
            "screen_text": _as_code(lines) if lines else None,
            "note": screen_text.note,
            "lines": len(screen_text.lines),
            "frames_read": screen_text.frames_read,
        }
    ) | picture("contact_sheet", sheet)


def of_summary(summary: Summary) -> Facts:
    """Return the values with their quotes, and what was left blank and why."""
    values = [_row(name, fill) for name, fill in summary.properties.items()][:SHOWN_ROWS]
    blanks = [{"column": name, "reason": preview(why)} for name, why in summary.left_blank.items()][:SHOWN_ROWS]
    return _known(
        {
            "overview": preview(summary.overview),
            "model": summary.model,
            "note": preview(summary.note),
            "values": dg.MetadataValue.table(values, schema=_VALUES) if values else None,
            "left_blank": dg.MetadataValue.table(list(map(dg.TableRecord, blanks)), schema=_BLANKS) if blanks else None,
            "columns_filled": len(summary.properties),
            "columns_left_blank": len(summary.left_blank),
        }
    )


def of_page(page: ContentPage) -> Facts:
    """Return the address of the page."""
    return {"page": dg.MetadataValue.url(page.url), "created": page.created}


def picture(name: str, jpeg: bytes | None) -> Facts:
    """Return a picture under its name. None where there is no picture, or one that is too large for Dagster's log."""
    if jpeg is None or len(jpeg) > PICTURE_BYTES:
        return {}
    return {name: dg.MetadataValue.md(f"![{name}](data:image/jpeg;base64,{base64.b64encode(jpeg).decode()})")}


def preview(text: str, *, characters: int = PREVIEW_CHARACTERS) -> str:
    """Return the beginning of a text, with an ellipsis where it was cut."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _known(facts: Facts) -> Facts:
    """Return the facts that are known."""
    return {name: value for name, value in facts.items() if value is not None and value != ""}


def _row(name: str, fill: PropertyFill) -> dg.TableRecord:
    value = ", ".join(map(str, fill.value)) if isinstance(fill.value, list | tuple) else str(fill.value)
    quotes = " / ".join(item.quote for item in fill.evidence)
    return dg.TableRecord(
        {
            "column": name,
            "value": preview(value),
            "confidence": fill.confidence,
            "quote": preview(quotes),
            "checked": any(item.checked for item in fill.evidence),
        }
    )


def _as_code(lines: Iterable[str]) -> dg.MarkdownMetadataValue:
    """Return lines as a block of code, behind a fence that is longer than any in them."""
    text = preview("\n".join(_wrapped(line) for line in lines), characters=TRANSCRIPT_CHARACTERS)
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return dg.MetadataValue.md(f"{fence}text\n{text}\n{fence}")


def _wrapped(line: str) -> str:
    return textwrap.fill(line, _WIDTH, subsequent_indent=" " * 8)


def _clock(at_s: float) -> str:
    minutes, seconds = divmod(int(at_s), 60)
    return f"{minutes}:{seconds:02}"


def _with_place(text: str, at_s: float | None, slide: int | None) -> str:
    return f"slide {slide}  {text}" if slide is not None else f"{_clock(at_s or 0.0):>6}  {text}"
