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
from svp_dagster.notion.rich_text import one_line
from svp_dagster.speech import audio
from svp_dagster.speech.hallucinations import is_doubtful, weighted_mean

GAP_S = 5.0
"""Longer pauses are not sent: they cost money, and models invent words for them."""

PARALLEL_PARTS = 4
ENCODING_LIMIT_S = 60.0
TOO_FAINT = "Somebody seems to speak in this video, but too faintly to understand."


@dataclass(frozen=True, kw_only=True)
class PartTranscript:
    """The transcript of one part, times in seconds from its start.

    `billed_s` is None if the answer doesn't have it. `note` says what of the part is missing, and why. `confidence` is
    the mean log-probability of the words, None where the model doesn't give it. With `names_language`, an answer
    without a language means that none was clear.
    """

    segments: tuple[Segment, ...]
    language: str | None
    billed_s: float | None = None
    note: str = ""
    confidence: float | None = None
    names_language: bool = False


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
    language = _main_language(pairs)
    doubtful = is_doubtful(confidence=_confidence(pairs), language_certainty=_language_certainty(pairs, language))
    return of_segments(segments, language=language, source=source, note=note, doubtful=doubtful)


def of_segments(
    segments: Iterable[Segment], *, language: str | None, source: str, note: str = "", doubtful: bool = False
) -> Transcript:
    """Return the transcript of segments. Without words and without a note of what is missing, there is no speech.

    Characters that can't be stored, such as half an emoji, are removed.
    """
    ordered = tuple(segment.model_copy(update={"text": one_line(segment.text)}) for segment in segments)
    text = " ".join(segment.text for segment in ordered)
    if not text:
        return Transcript(source=source, no_speech=not note, note=note or TOO_FAINT)
    return Transcript(text=text, language=language, segments=ordered, source=source, note=note, doubtful=doubtful)


def _confidence(pairs: Iterable[tuple[Span, PartTranscript]]) -> float | None:
    known = [(part, transcript.confidence) for part, transcript in pairs]
    return weighted_mean((part.length_s, confidence) for part, confidence in known if confidence is not None)


def _language_certainty(pairs: Iterable[tuple[Span, PartTranscript]], language: str | None) -> float | None:
    """Return the share of the speech that is in the main language, in place of a certainty that no service gives.

    None where the model names no languages.
    """
    return weighted_mean(
        (part.length_s, float(language is not None and transcript.language == language))
        for part, transcript in pairs
        if transcript.segments and transcript.names_language
    )


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
