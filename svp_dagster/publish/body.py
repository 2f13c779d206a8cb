"""The body of a content page.

Free workspaces with several members have 1,000 blocks in their lifetime, and deleting gives none back. So a body has a
few large blocks, unless the options ask for more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from svp_dagster.library.chapters import Chapter, chapters_of
from svp_dagster.library.words import SOURCE_WORDS, clock, doubt, made_by, reservation, seen_at, spoken_text
from svp_dagster.models import (
    BlockBudget,
    Evidence,
    JsonObject,
    PageOptions,
    ScreenText,
    Segment,
    Summary,
    Transcript,
    Video,
)
from svp_dagster.notion.blocks import PARAGRAPH_UNITS, Items, one_paragraph, paragraph, paragraphs, toggles
from svp_dagster.notion.properties import web_address
from svp_dagster.notion.rich_text import ITEM_UNITS, clean, cut, one_line, rich_text, split, text_item

_NAME_UNITS = 100
_QUOTE_UNITS = 400
_STAMP_UNITS = 100
_PART_UNITS = 49_000
"""Maximum length of each of two texts that share a paragraph."""

_SPOKEN_PARAGRAPH_S = 60.0
_DOUBTFUL = "The speech was hard to understand: nothing was taken from it that nothing else says."


def page_blocks(
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    summary: Summary,
    options: PageOptions,
    *,
    files: Sequence[JsonObject] = (),
) -> list[JsonObject]:
    """Return the blocks of a page: overview, chapters, evidence, transcript, screen text, caption, notes.

    `files` are the file blocks that belong to the transcript.

    Each block fits into a request (see `blocks.batches`). A mark shows where text is cut: with `compact`, a transcript
    or screen text beyond 100,000 characters and an overview or caption beyond half of that.
    """
    moments = _chapters(video, transcript) if options.page_chapters else []
    about = _about(video, with_facts=options.page_video_facts)
    notes = list(_notes(transcript, screen_text, summary))
    match options.block_budget:
        case BlockBudget.PROPERTIES_ONLY:
            return []
        case BlockBudget.COMPACT:
            caption = [_short(f"Caption: {video.caption}")] if clean(video.caption) else []
            read = "\n".join(f"{seen_at(line)} {line.text}" for line in screen_text.lines)
            return [
                *one_paragraph(filter(None, [_short(_opening(summary)), *moments])),
                *toggles("Where it was found", one_paragraph(_quotes(video, summary))),
                *toggles("Transcript", [*_as_one(_heard(transcript)), *files]),
                *toggles("Text on the screen", _as_one(read)),
                *one_paragraph([about, *caption, _short("\n".join(notes))], color="gray"),
            ]
        case BlockBudget.FULL:
            return [
                *(block for part in clean(_opening(summary)).split("\n\n") for block in paragraphs(_lines(part))),
                *paragraphs(moments),
                *toggles("Where it was found", paragraphs(_quotes(video, summary))),
                *toggles("Transcript", [*_spoken_paragraphs(video, transcript), *files]),
                *toggles("Lyrics", paragraphs(_lines(transcript.lyrics))),
                *toggles("Text on the screen", paragraphs(_read_lines(video, screen_text))),
                *toggles("Caption", paragraphs(_lines(video.caption))),
                *one_paragraph([about, *([text_item(note)] for note in notes)], color="gray"),
            ]


def _opening(summary: Summary) -> str:
    """Return the overview. A page made without a model, or without any text, says so in its first line."""
    return f"{reservation(summary)}\n{summary.overview}".strip()


def _as_one(text: str) -> list[JsonObject]:
    items = rich_text(text, limit=PARAGRAPH_UNITS)
    return [paragraph(items)] if items else []


def _short(text: str) -> Items:
    return rich_text(text, limit=_PART_UNITS)


def _lines(text: str) -> list[Items]:
    return [[text_item(part)] for line in clean(text).split("\n") for part in split(line)]


def _chapters(video: Video, transcript: Transcript) -> list[Items]:
    """Return the chapters as lines."""
    found = chapters_of(video, transcript)
    return [[text_item("Chapters")], *(_chapter(video, one) for one in found)] if found else []


def _chapter(video: Video, chapter: Chapter) -> Items:
    return [*_moment(video, chapter.start_s), text_item(f" {cut(one_line(chapter.title), _NAME_UNITS)}")]


def _heard(transcript: Transcript) -> str:
    """Return all that is heard: a note if it is doubtful, the words that are said, and the lyrics apart."""
    lyrics = f"Lyrics:\n{transcript.lyrics}" if transcript.lyrics else ""
    return "\n\n".join(filter(None, (_doubt(transcript), spoken_text(transcript), lyrics)))


def _doubt(transcript: Transcript) -> str:
    return _DOUBTFUL if transcript.doubtful and spoken_text(transcript) else ""


def _spoken_paragraphs(video: Video, transcript: Transcript) -> list[JsonObject]:
    """Return the transcript by minutes, each with a link to its second; without segments, as it was written."""
    made = paragraphs(_lines(_doubt(transcript)))
    if not transcript.spoken:
        return [*made, *paragraphs(_lines(transcript.text))]
    for start_s, words in _minutes(transcript.spoken):
        made += paragraphs([_moment(video, start_s), *_lines(words)])
    return made


def _minutes(segments: Iterable[Segment]) -> Iterator[tuple[float, str]]:
    start_s, words = 0.0, list[str]()
    for segment in segments:
        if words and segment.start_s - start_s >= _SPOKEN_PARAGRAPH_S:
            yield start_s, " ".join(words)
            words = []
        if not words:
            start_s = segment.start_s
        words.append(clean(segment.text))
    if words:
        yield start_s, " ".join(words)


def _read_lines(video: Video, screen_text: ScreenText) -> Iterator[Items]:
    for line in screen_text.lines:
        first, *others = split(one_line(line.text), ITEM_UNITS - _STAMP_UNITS) or [""]
        if line.first_s is None:
            yield [text_item(f"{seen_at(line)} {first}")]
        else:
            yield [*_moment(video, line.first_s), text_item(f" {first}")]
        yield from ([text_item(part)] for part in others)


def _quotes(video: Video, summary: Summary) -> Iterator[Items]:
    """Yield a line for each quote that supports a value."""
    for name, fill in summary.properties.items():
        for evidence in fill.evidence:
            yield _quote(video, name, evidence)


def _quote(video: Video, column: str, evidence: Evidence) -> Items:
    name, quote = cut(one_line(column), _NAME_UNITS), cut(one_line(evidence.quote), _QUOTE_UNITS)
    found = f"{name}: “{quote}” — {SOURCE_WORDS[evidence.source]}"
    place = _place(video, evidence)
    if evidence.source == "picture":
        return [text_item(found), *place, text_item(doubt(evidence))]
    return [text_item(f"{found}{doubt(evidence)}"), *place]


def _place(video: Video, evidence: Evidence) -> Items:
    if evidence.slide is not None:
        return [text_item(f" on slide {evidence.slide}")]
    return [] if evidence.at_s is None else [text_item(" at "), *_moment(video, evidence.at_s)]


def _moment(video: Video, at_s: float) -> Items:
    """Return a second of the video, as a link into it if the video has a web address."""
    seconds = max(0, int(at_s)) if math.isfinite(at_s) else 0
    return [text_item(clock(seconds), url=web_address(f"{video.url.partition('#')[0]}#t={seconds}"))]


def _about(video: Video, *, with_facts: bool) -> Items:
    """Return the title of the video as a link, with its facts. An upload has no address, and says what it is."""
    title = cut(one_line(video.title), _QUOTE_UNITS) or "Video"
    title = title if video.url else f"Uploaded file: {title}"
    facts = ", ".join(_facts(video)) if with_facts else ""
    return [text_item(title, url=web_address(video.url)), *([text_item(f" ({facts})")] if facts else [])]


def _facts(video: Video) -> Iterator[str]:
    if clean(video.uploader):
        yield f"by {cut(one_line(video.uploader), _NAME_UNITS)}"
    if video.published_at:
        yield f"posted {video.published_at:%Y-%m-%d}"
    if video.duration_s:
        yield clock(video.duration_s)
    if video.slides:
        yield f"{len(video.slides)} slides" if len(video.slides) > 1 else "a picture"
    shown = video.file(video.video_path)
    if shown and shown.width_px and shown.height_px:
        yield f"{shown.width_px} × {shown.height_px}"
    if shown and shown.codec:
        yield shown.codec


def _notes(transcript: Transcript, screen_text: ScreenText, summary: Summary) -> Iterator[str]:
    """Yield which engine did what, and what was left blank and why."""
    language = f" ({one_line(transcript.language)})" if transcript.language else ""
    heard = f"Transcript by {transcript.source}{language}." if spoken_text(transcript) else "No transcript."
    yield _note(heard, transcript.note)
    frames = f" from {screen_text.frames_read} pictures" if screen_text.frames_read else ""
    read = f"Screen text by {screen_text.source}{frames}." if screen_text.lines else "No text on the screen."
    yield _note(read, screen_text.note)
    yield _note(made_by(summary), summary.note)
    for name, reason in summary.left_blank.items():
        yield _note(f"Left blank: {cut(one_line(name), _NAME_UNITS)}.", reason)


def _note(statement: str, reason: str) -> str:
    return cut(one_line(f"{statement} {reason}"), _QUOTE_UNITS * 2)
