"""What was heard, read and written becomes values for a Content Database's columns."""

from __future__ import annotations

import hashlib
import json

from pydantic import ValidationError

from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject, ScreenText, Summary, Transcript, Video
from svp_dagster.notion.properties import unfit_values
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import Contents, Meter, Summarizer
from svp_dagster.summary.answers import askable_columns
from svp_dagster.summary.material import holds_text

KIND = "summary"


def summarize(
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    *,
    schema: DataSourceSchema,
    prompt: str,
    language: str | None,
    engine: Summarizer,
    contents: Contents,
    meter: Meter,
) -> Summary:
    """The summary, kept by content: the same material, schema, prompt, language and engine are paid for once.

    Raises `nothing_to_read` before anything is paid, `summary_invalid` where the engine fills what can't be filled,
    or what the engine raises.
    """
    if not holds_text(video=video, transcript=transcript, screen_text=screen_text):
        raise failure(Code.NOTHING_TO_READ, detail=video.media_key)
    recipe = _recipe(video, transcript, screen_text, schema=schema, prompt=prompt, language=language, engine=engine)
    kept = _read(contents.get(video.media_key, KIND, recipe))
    if kept is not None:
        return kept
    summary = engine.summarize(
        video=video,
        transcript=transcript,
        screen_text=screen_text,
        schema=schema,
        prompt=prompt,
        language=language,
        meter=meter,
    )
    _require_fit(summary, schema)
    contents.put(video.media_key, KIND, recipe, summary.model_dump(mode="json"))
    return summary


def _recipe(
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    *,
    schema: DataSourceSchema,
    prompt: str,
    language: str | None,
    engine: Summarizer,
) -> str:
    """The engine's recipe and a digest of everything that it is given."""
    given: JsonObject = {
        "columns": [column.model_dump(mode="json") for column in askable_columns(schema)],
        "prompt": prompt,
        "language": language,
        "transcript": transcript.model_dump(mode="json", include={"text", "language", "segments"}),
        "screen_text": screen_text.model_dump(mode="json", include={"lines"}),
        "video": video.model_dump(
            mode="json", include={"title", "description", "uploader", "published_at", "duration_s"}
        ),
    }
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return f"{engine.recipe} {digest[:32]}"


def _read(kept: JsonObject | None) -> Summary | None:
    """A kept summary; one that was kept in another shape is made again."""
    try:
        return None if kept is None else Summary.model_validate(kept)
    except ValidationError:
        return None


def _require_fit(summary: Summary, schema: DataSourceSchema) -> None:
    """Every value has a column that an engine may fill and that can hold it, and there is a title."""
    askable = {column.name for column in askable_columns(schema)}
    unfit = set(summary.properties) - askable
    unfit |= set(unfit_values(schema, {name: fill.value for name, fill in summary.properties.items()}))
    if schema.title_column.name not in summary.properties:
        unfit.add(schema.title_column.name)
    if unfit:
        raise failure(Code.SUMMARY_INVALID, detail=f"columns that don't fit: {len(unfit)}")
