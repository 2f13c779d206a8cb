"""Parts of a sound: have each transcribed in parallel, keep what was paid, join what came."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from svp_dagster.models import Segment, Span, Transcript
from svp_dagster.speech import audio

GAP_S = 5.0
"""Longer pauses are not sent: they cost money, and models invent words for them."""

PARALLEL_PARTS = 4
ENCODING_LIMIT_S = 60.0
NOTHING_HEARD = "No words could be made out in this video."


@dataclass(frozen=True, kw_only=True)
class PartTranscript:
    """The transcript of one part, times in seconds from its start.

    `billed_s` is None if the answer doesn't have it. `note` says what of the part is missing, and why.
    """

    segments: tuple[Segment, ...]
    language: str | None
    billed_s: float | None = None
    note: str = ""


class PaidParts:
    """Transcribes parts and keeps them by digest of their sound until all are done. A repeated stage continues."""

    def __init__(self) -> None:
        self._done: dict[str, PartTranscript] = {}

    def transcribe(
        self, sound: Path, parts: Sequence[Span], transcribe_part: Callable[[Path, Span], PartTranscript]
    ) -> list[tuple[Span, PartTranscript]]:
        """Return each part with its transcript. `transcribe_part` gets its MP3 file.

        A failed part doesn't stop the others. Raises the first failure after all parts that were sent are kept.
        """
        with tempfile.TemporaryDirectory(dir=sound.parent) as scratch:
            files = [
                audio.encode(sound, part, Path(scratch) / f"part-{number:03d}.mp3", limit_s=ENCODING_LIMIT_S)
                for number, part in enumerate(parts)
            ]
            with ThreadPoolExecutor(PARALLEL_PARTS) as pool:  # its end waits for all parts, also after a failure
                pairs = zip(files, parts, strict=True)
                sent = [pool.submit(self._once, transcribe_part, *pair) for pair in pairs]
        transcripts = [part.result() for part in sent]
        self._done.clear()
        return list(zip(parts, transcripts, strict=True))

    def _once(self, transcribe_part: Callable[[Path, Span], PartTranscript], file: Path, part: Span) -> PartTranscript:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if digest not in self._done:
            self._done[digest] = transcribe_part(file, part)
        return self._done[digest]


def joined(pairs: Sequence[tuple[Span, PartTranscript]], *, source: str) -> Transcript:
    """Return the transcript of a whole sound, in the language that is spoken longest."""
    segments = [_shifted(segment, part) for part, transcript in pairs for segment in transcript.segments]
    note = " ".join(dict.fromkeys(transcript.note for _, transcript in pairs if transcript.note))
    return of_segments(segments, language=_main_language(pairs), source=source, note=note)


def of_segments(segments: Iterable[Segment], *, language: str | None, source: str, note: str = "") -> Transcript:
    """Return the transcript of segments. Without words and without a note of what is missing, there is no speech."""
    ordered = tuple(segments)
    text = " ".join(segment.text for segment in ordered)
    if not text:
        return Transcript(source=source, no_speech=not note, note=note or NOTHING_HEARD)
    return Transcript(text=text, language=language, segments=ordered, source=source, note=note)


def _main_language(pairs: Iterable[tuple[Span, PartTranscript]]) -> str | None:
    """Return the language that is spoken longest."""
    lengths = Counter[str]()
    for part, transcript in pairs:
        if transcript.language is not None and transcript.segments:
            lengths[transcript.language] += round(part.length_s * 100)
    return lengths.most_common(1)[0][0] if lengths else None


def _shifted(segment: Segment, part: Span) -> Segment:
    """Return a segment of a part with its times in the whole sound."""
    moved = {"start_s": round(part.start_s + segment.start_s, 2), "end_s": round(part.start_s + segment.end_s, 2)}
    return segment.model_copy(update=moved)
