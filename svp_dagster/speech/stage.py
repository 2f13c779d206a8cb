"""The stage `transcribe`: the platform's captions, else a speech engine if anybody speaks."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from svp_dagster.models import CaptionTrack, MediaFile, ProcessingType, Transcript, Video
from svp_dagster.ports import Contents, Meter, SpeechEngine
from svp_dagster.speech import audio, lyrics, voice

KIND = "transcript"
DECODING_LIMIT_S = 120.0


def transcribe(
    video: Video,
    *,
    processing_type: ProcessingType,
    engine: SpeechEngine,
    contents: Contents,
    meter: Meter,
    folder: Path,
) -> Transcript:
    """Return the transcript, kept by content so that none is paid twice. Nothing is paid if nobody speaks.

    A video without speech is no failure: its transcript is empty, with a note that says why. Raises
    `audio_unreadable` or what the engine raises.
    """
    if not processing_type.hears:
        return Transcript(note=f"The speech was not transcribed: the processing type is “{processing_type}”.")
    captions = from_captions(video.captions)
    if captions is not None:
        return captions
    sounding = [file for file in video.files if file.has_audio]
    if not sounding:
        silent = "video" if video.video_path else "file" if video.is_file else "post"
        return Transcript(note=f"The {silent} has no sound.")
    recipe = f"{voice.RECIPE} {lyrics.RECIPE} {engine.recipe}"
    kept = contents.get(video.media_key, KIND, recipe, Transcript)
    if kept is not None:
        return kept
    transcript = _transcribe(sounding, engine=engine, meter=meter, folder=folder)
    if transcript.text or transcript.no_speech:
        contents.put(video.media_key, KIND, recipe, transcript)
    return transcript


def from_captions(tracks: Sequence[CaptionTrack]) -> Transcript | None:
    """Return the transcript of the first track with words, the video's own language first. None if there is none."""
    for track in sorted(tracks, key=lambda track: track.translated):
        segments = tuple(lyrics.by_notes(track.segments))
        if segments:
            said = Transcript(language=track.language or None, source="captions")
            return lyrics.apart(said, segments)
    return None


def _transcribe(sounding: Sequence[MediaFile], *, engine: SpeechEngine, meter: Meter, folder: Path) -> Transcript:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sound = audio.decode(sounding, Path(scratch), limit_s=DECODING_LIMIT_S)
        samples = audio.samples(sound)
        speech = voice.speech(samples)
        if not speech:
            return Transcript(no_speech=True, note=lyrics.NOBODY_SPEAKS)
        return lyrics.marked(engine.transcribe(sound, speech=speech, meter=meter), samples, speech)


def needs_engine(video: Video, processing_type: ProcessingType) -> bool:
    """Return whether the transcript can't be had without an engine, or a result that is kept."""
    has_sound = any(file.has_audio for file in video.files)
    return processing_type.hears and has_sound and from_captions(video.captions) is None
