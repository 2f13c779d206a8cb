"""The second stage: transcribe what is said, by the platform's captions or else by a speech engine."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from svp_dagster.models import CaptionTrack, ProcessingType, Segment, Transcript, Video
from svp_dagster.ports import Contents, Meter, SpeechEngine
from svp_dagster.speech import audio, voice

KIND = "transcript"
DECODING_LIMIT_S = 120.0

_SOUNDS = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|\*[^*]*\*|[♪♫][^♪♫]*[♪♫]?")
"""Sounds that a caption names, such as [music]."""


def transcribe(
    video: Video,
    *,
    processing_type: ProcessingType,
    engine: SpeechEngine,
    contents: Contents,
    meter: Meter,
    folder: Path,
) -> Transcript:
    """Transcribe what is said, once per content. Nothing is paid where nobody speaks.

    Where there is nothing to hear the transcript is empty and its note says why: no failure. Raises
    `audio_unreadable` or what the engine raises.
    """
    if not processing_type.hears:
        return Transcript(note=f"The speech was not transcribed: the processing type is “{processing_type}”.")
    captions = from_captions(video.captions)
    if captions is not None:
        return captions
    sounding = [file.path for file in video.files if file.has_audio]
    if not sounding:
        return Transcript(note="The video has no sound." if video.video_path else "The post has no sound.")
    kept = _kept(contents, video.media_key, engine.recipe)
    if kept is not None:
        return kept
    transcript = _listen(sounding, engine=engine, meter=meter, folder=folder)
    if transcript.text or transcript.no_speech:
        contents.put(video.media_key, KIND, engine.recipe, transcript.model_dump(mode="json"))
    return transcript


def from_captions(tracks: Sequence[CaptionTrack]) -> Transcript | None:
    """Return the transcript of the best track: the video's own language before a translation, then the first one.

    None if no track says a word.
    """
    for track in sorted(tracks, key=lambda track: track.translated):
        segments = tuple(segment for segment in track.segments if _says_a_word(segment.text))
        if segments:
            return Transcript(
                text=_joined(segments), language=track.language or None, segments=segments, source="captions"
            )
    return None


def _listen(sounding: Sequence[Path], *, engine: SpeechEngine, meter: Meter, folder: Path) -> Transcript:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sound = audio.decode(sounding, Path(scratch), limit_s=DECODING_LIMIT_S)
        speech = voice.speech(audio.samples(sound))
        if not speech:
            return Transcript(no_speech=True, note="Nobody speaks in this video.")
        return engine.transcribe(sound, speech=speech, meter=meter)


def _kept(contents: Contents, media_key: str, recipe: str) -> Transcript | None:
    value = contents.get(media_key, KIND, recipe)
    try:
        return None if value is None else Transcript.model_validate(value)
    except ValidationError:  # kept by another version of this program
        return None


def _joined(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def _says_a_word(caption: str) -> bool:
    return any(char.isalnum() for char in _SOUNDS.sub("", caption))
