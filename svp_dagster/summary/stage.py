"""The stage `summarize`: speech, screen text, caption and pictures become values for a Content Database's columns."""

from __future__ import annotations

from svp_dagster.errors import Code, failure
from svp_dagster.models import Summary
from svp_dagster.notion.properties import unfit_values
from svp_dagster.ports import Contents, Meter, Summarizer, SummaryRequest
from svp_dagster.summary.material import holds_text

KIND = "summary"
_FOREIGN = "A summary doesn't fill this column."


def summarize(request: SummaryRequest, *, engine: Summarizer, contents: Contents, meter: Meter) -> Summary:
    """Return the summary, kept by content: equal requests to the same engine are paid for once.

    Raises `nothing_to_read` before anything is paid where there are neither words nor pictures for an engine that sees,
    `summary_invalid` for a summary without a title, or what the engine raises.
    """
    has_pictures = request.screen_text.sheet is not None and engine.sees
    video, request = request.video, request if has_pictures else _without_pictures(request)
    if not has_pictures and not holds_text(video=video, transcript=request.transcript, screen_text=request.screen_text):
        raise failure(Code.NOTHING_TO_READ, detail=video.media_key)
    recipe = f"{engine.recipe} {request.digest}"
    kept = contents.get(video.media_key, KIND, recipe, Summary)
    if kept is not None:
        return kept
    summary = _fitting(engine.summarize(request, meter=meter), request)
    if not summary.is_fallback:
        contents.put(video.media_key, KIND, recipe, summary)
    return summary


def _without_pictures(request: SummaryRequest) -> SummaryRequest:
    """Return the request for an engine that doesn't see: what it makes doesn't depend on a contact sheet."""
    return request.model_copy(update={"screen_text": request.screen_text.model_copy(update={"sheet": None})})


def _fitting(summary: Summary, request: SummaryRequest) -> Summary:
    """Leave blank what its column can't hold. Raises `summary_invalid` if that is the title."""
    values = {name: fill.value for name, fill in summary.properties.items()}
    unfit = dict.fromkeys(values.keys() - {column.name for column in request.columns}, _FOREIGN)
    unfit |= unfit_values(request.data_schema, values)
    properties = {name: fill for name, fill in summary.properties.items() if name not in unfit}
    if request.data_schema.title_column.name not in properties:
        raise failure(Code.SUMMARY_INVALID, detail="a summary without a title")
    return summary.model_copy(update={"properties": properties, "left_blank": summary.left_blank | unfit})
