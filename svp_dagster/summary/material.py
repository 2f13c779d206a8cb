"""The material of a summary: passages of a video's speech, screen and caption, within a budget."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from svp_dagster.models import JsonObject, LineKind, ScreenText, Segment, Transcript, Value, Video
from svp_dagster.summary.spelling import Spelled, spelled
from svp_dagster.summary.subtitles import Subtitles
from svp_dagster.summary.words import clean, one_line, says_something, sentences

PIECE_CHARS = 300
"""Longest passage, so that patterns and comparisons run on short text."""

_UPLOADER_CHARS = 100
_PLATFORMS = ("TikTok", "Instagram", "YouTube")
# What yt-dlp puts where the platform gives no title, and what cameras, phones and recorders call their files.
_MADE_UP_TITLE = re.compile(
    r"(?:Video|Post|Reel|Story) by \S+|TikTok video #\d+"
    r"|(?i:(?:img|vid|aud|dsc[nf]?|pxl|mvi|mov|gopr|g[hx]|signal|whatsapp|zoom|video|movie|clip|audio|recording|voice|"
    r"new recording|screen ?recording|screen ?shot|untitled|media|file|output|final)[\W_\d]*"
    r"(?:(?:video|audio|image|memo|at|wa|from|am|pm)[\W_\d]*)*|[\W_\d]+|[\da-f]{8}(?:-?[\da-f]{4}){3}-?[\da-f]{12})"
)


class Passage(Value):
    """A piece of cleaned text on one line. `at_s` is its second, `slide` its slide (from 1).

    `heard` is what the speech engine understood, where the screen spells it in another way.

    `until_s` is the last second at which a line on the screen was seen.

    `paragraph` counts the paragraphs of a caption, which are separated by empty lines. `in_scene`: the text belongs to
    what was filmed, such as another screen, so it may say anything.
    """

    source: Literal["speech", "screen", "caption"]
    text: str
    at_s: float | None = None
    until_s: float | None = None
    slide: int | None = None
    paragraph: int = 0
    heard: str = ""
    in_scene: bool = False


class Material(Value):
    """Everything that an engine sees. `facts` are the platform's own about the post, and count as caption.

    `file_name` is how somebody called a file: it may name a page where nothing else does, and proves nothing.

    `doubtful` marks speech that was hard to understand: nothing may be taken from it alone. `language` is the spoken
    one, None where it isn't known.

    `left_out` says what didn't fit the budget, and is empty if everything did.
    """

    caption: tuple[Passage, ...] = ()
    speech: tuple[Passage, ...] = ()
    screen: tuple[Passage, ...] = ()
    facts: tuple[Passage, ...] = ()
    file_name: str = ""
    language: str | None = None
    doubtful: bool = False
    left_out: str = ""

    @property
    def reliable(self) -> Material:
        """The material that may prove a value: without speech if it is doubtful."""
        return self.model_copy(update={"speech": ()}) if self.doubtful else self

    @property
    def quotable(self) -> Material:
        """The reliable material without text that belongs to what was filmed: no rule tells what a sign is about."""
        return self.reliable.model_copy(update={"screen": tuple(line for line in self.screen if not line.in_scene)})

    @property
    def content(self) -> tuple[Passage, ...]:
        """What is said, shown and written, without the platform's facts."""
        return self.caption + self.speech + self.screen

    @property
    def passages(self) -> tuple[Passage, ...]:
        """Everything that may be evidence."""
        return self.content + self.facts

    @property
    def holds_text(self) -> bool:
        """Whether a letter or digit was said, shown or written, the platform's facts aside."""
        return any(says_something(passage.text) for passage in self.content)

    def fact(self, name: str) -> str:
        """Return the fact of that name, or an empty text."""
        label = f"{name}: "
        return next((fact.text.removeprefix(label) for fact in self.facts if fact.text.startswith(label)), "")

    def as_json(self) -> str:
        """Return the material as JSON without "<", so that no text can end its string or the enclosing block."""
        parts: JsonObject = {
            "caption": [passage.text for passage in self.caption],
            "facts": [passage.text for passage in self.facts],
            "speech": [[passage.at_s, passage.text] for passage in self.speech],
            "screen": [[_place(passage), passage.text] for passage in self.screen if not passage.in_scene],
            "in the filmed scene": [[_place(passage), passage.text] for passage in self.screen if passage.in_scene],
        }
        return enclosed({name: part for name, part in parts.items() if part})


def holds_text(*, video: Video, transcript: Transcript, screen_text: ScreenText) -> bool:
    """Return whether a letter or digit was said, shown or written: without one there is nothing to make a page of."""
    shown = (line.text for line in screen_text.lines if line.kind is not LineKind.WATERMARK)
    texts = (_written(video), transcript.text, *shown)
    return any(says_something(text) for text in texts)


def enclosed(value: Any) -> str:
    """Return a value as JSON without "<" and line ends."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def gather(*, video: Video, transcript: Transcript, screen_text: ScreenText, budget_chars: int) -> Material:
    """Gather the material of a video in at most `budget_chars` characters of text, without counting facts.

    The caption may take a sixth of the budget, the screen a third, and the speech the rest. Burned-in subtitles are
    left out where the speech has their words: it is spelled as they are. Lyrics are left out, heard or shown.
    """
    caption = _caption(video)
    said = spelled(transcript, screen_text)
    speech = _speech(said)
    screen = _screen(screen_text, said)
    kept_caption = _cut(caption, budget_chars // 6)
    room = budget_chars - _size(kept_caption)
    kept_screen = _cut(screen, max(budget_chars // 3, room - _size(speech)))
    kept_speech = _cut(speech, room - _size(kept_screen))
    return Material(
        caption=kept_caption,
        speech=kept_speech,
        screen=kept_screen,
        facts=_facts(video),
        file_name=video.title.strip() if video.is_file and not _has_made_up_title(video) else "",
        language=transcript.language if speech and not transcript.doubtful else None,  # else it is that of lyrics
        doubtful=transcript.doubtful and bool(speech),
        left_out=_left_out(
            ("caption", caption, kept_caption),
            ("transcript", speech, kept_speech),
            ("screen text", screen, kept_screen),
        ),
    )


def _caption(video: Video) -> tuple[Passage, ...]:
    return tuple(
        Passage(source="caption", text=text, paragraph=number)
        for number, paragraph in enumerate(clean(_written(video)).split("\n\n"))
        for text in _pieces(paragraph)
    )


def _written(video: Video) -> str:
    """Return the caption without a title that yt-dlp made up."""
    return video.description if _has_made_up_title(video) else video.caption


def _has_made_up_title(video: Video) -> bool:
    return _MADE_UP_TITLE.fullmatch(video.title.strip()) is not None


def _speech(said: Spelled) -> tuple[Passage, ...]:
    if not said.transcript.segments:
        return tuple(Passage(source="speech", text=text) for text in _pieces(said.transcript.text))
    return tuple(
        passage
        for number, segment in enumerate(said.transcript.segments)
        if not segment.sung
        for passage in _spoken(segment, heard=said.heard.get(number, ""))
    )


def _spoken(segment: Segment, *, heard: str) -> list[Passage]:
    """Return the passages of a segment. What was heard stays with the first, of which a long segment has several."""
    pieces = _pieces(segment.text)
    at_s = round(segment.start_s, 1)
    return [
        Passage(source="speech", text=text, at_s=at_s, heard=one_line(heard) if number == 0 else "")
        for number, text in enumerate(pieces)
    ]


def _screen(screen_text: ScreenText, said: Spelled) -> tuple[Passage, ...]:
    """Return the lines on the screen without watermarks, lyrics and those that the speech repeats."""
    sung = tuple(segment for segment in said.transcript.segments if segment.sung)
    lyrics = Subtitles(Transcript(text=said.transcript.lyrics, segments=sung))
    return tuple(
        Passage(
            source="screen",
            text=text,
            at_s=None if line.first_s is None else round(line.first_s, 1),
            until_s=line.last_s,
            slide=line.slide,
            in_scene=line.kind is LineKind.SCENE,
        )
        for line in screen_text.lines
        if line not in said.repeated and line.kind is not LineKind.WATERMARK and not lyrics.includes(line)
        for text in _pieces(line.text)
    )


def _facts(video: Video) -> tuple[Passage, ...]:
    facts = {
        "Platform": next((name for name in _PLATFORMS if video.media_key.casefold().startswith(name.casefold())), ""),
        "Uploader": one_line(video.uploader, at_most=_UPLOADER_CHARS),
        "Published": video.published_at.date().isoformat() if video.published_at else "",
        "Duration": f"{round(video.duration_s)} seconds" if video.duration_s else "",
    }
    return tuple(Passage(source="caption", text=f"{name}: {fact}") for name, fact in facts.items() if fact)


def _pieces(text: str) -> list[str]:
    """Split a text into lines, long lines into sentences, and long sentences into chunks."""
    pieces: list[str] = []
    for line in clean(text).splitlines():
        parts = [line.strip()] if len(line) <= PIECE_CHARS else sentences(line)
        for part in parts:
            pieces.extend(_chunks(part))
    return pieces


def _chunks(text: str) -> list[str]:
    chunks: list[str] = []
    start = 0
    while len(text) - start > PIECE_CHARS:
        space = text.rfind(" ", start + PIECE_CHARS // 2, start + PIECE_CHARS)
        end = space if space > 0 else start + PIECE_CHARS
        chunks.append(text[start:end].strip())
        start = end
    chunks.append(text[start:].strip())
    return [chunk for chunk in chunks if chunk]


def _cut(passages: Sequence[Passage], budget_chars: int) -> tuple[Passage, ...]:
    """Keep `budget_chars`: two fifths from the beginning, a fifth from the end, evenly spaced passages between."""
    if _size(passages) <= budget_chars:
        return tuple(passages)
    head = _fitting(passages, budget_chars * 2 // 5)
    rest = passages[len(head) :]
    tail = _fitting(rest[::-1], budget_chars // 5)[::-1]
    middle = rest[: len(rest) - len(tail)]
    room = budget_chars - _size(head) - _size(tail)
    step = max(1.0, _size(middle) / room) if room > 0 else float("inf")
    spaced = [middle[int(number * step)] for number in range(int(len(middle) / step))]
    return (*head, *_fitting(spaced, room), *tail)


def _fitting(passages: Sequence[Passage], budget_chars: int) -> tuple[Passage, ...]:
    """Return as many of the first passages as fit the budget."""
    size = 0
    for count, passage in enumerate(passages):
        size += len(passage.text)
        if size > budget_chars:
            return tuple(passages[:count])
    return tuple(passages)


def _left_out(*sections: tuple[str, Sequence[Passage], Sequence[Passage]]) -> str:
    cut = [
        f"{_size(kept):,} of the {_size(passages):,} characters of the {name}"
        for name, passages, kept in sections
        if _size(kept) < _size(passages)
    ]
    if not cut:
        return ""
    return f"Only {' and '.join(cut)} were used: the beginning, the end, and evenly spaced passages between."


def _size(passages: Sequence[Passage]) -> int:
    return sum(len(passage.text) for passage in passages)


def _place(passage: Passage) -> float | str | None:
    return f"slide {passage.slide}" if passage.slide is not None else passage.at_s
