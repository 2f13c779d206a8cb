"""Metadata of the results for the Dagster UI. Texts are cut, since the whole is on the Notion page."""

from __future__ import annotations

import base64
from typing import Any

import dagster as dg

from svp_dagster.models import ContentPage, ScreenText, Summary, Transcript, Video

PREVIEW_CHARACTERS = 500
SHOWN_LINES = 20

Facts = dict[str, Any]


def of_video(video: Video, thumbnail: bytes | None) -> Facts:
    """Return the post's facts and its thumbnail, a JPEG."""
    shown = video.file(video.video_path)
    facts: Facts = {
        "title": preview(video.title),
        "uploader": video.uploader,
        "media_key": video.media_key,
        "url": dg.MetadataValue.url(video.url),
        "duration_s": video.duration_s or 0.0,
        "size": f"{shown.width_px or '?'}×{shown.height_px or '?'}" if shown else "",
        "codec": shown.codec if shown else "",
        "slides": len(video.slides),
        "caption_languages": ", ".join(track.language for track in video.captions) or "none",
    }
    if thumbnail:
        data = base64.b64encode(thumbnail).decode()
        facts["thumbnail"] = dg.MetadataValue.md(f"![thumbnail](data:image/jpeg;base64,{data})")
    return facts


def of_transcript(transcript: Transcript) -> Facts:
    """Return the beginning of what is said, or why there is nothing."""
    return {
        "preview": preview(transcript.text) or transcript.note,
        "language": transcript.language or "unknown",
        "segments": len(transcript.segments),
        "characters": len(transcript.text),
        "no_speech": transcript.no_speech,
    }


def of_screen_text(screen_text: ScreenText) -> Facts:
    """Return the first lines with their times, or why there are none."""
    shown = [_with_place(line.text, line.first_s, line.slide) for line in screen_text.lines[:SHOWN_LINES]]
    return {
        "lines": len(screen_text.lines),
        "frames_read": screen_text.frames_read,
        "preview": "\n".join(shown) or screen_text.note,
    }


def of_summary(summary: Summary) -> Facts:
    """Return the values and what was left blank."""
    return {
        "overview": preview(summary.overview),
        "model": summary.model,
        "values": dg.MetadataValue.json({name: fill.value for name, fill in summary.properties.items()}),
        "left_blank": dg.MetadataValue.json(dict(summary.left_blank)),
    }


def of_page(page: ContentPage) -> Facts:
    """Return the address of the page."""
    return {"page": dg.MetadataValue.url(page.url), "created": page.created}


def preview(text: str) -> str:
    """Return the beginning of a text, with an ellipsis where it was cut."""
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"


def _with_place(text: str, at_s: float | None, slide: int | None) -> str:
    if slide is not None:
        return f"slide {slide}  {text}"
    return f"{at_s or 0:5.0f} s  {text}"
