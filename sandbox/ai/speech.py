"""What the stand-in for speech says it heard: from a script, by counting the loud stretches, or invented."""

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sandbox.ai.hearing import Sound
from sandbox.ai.scripts import Script

# Source: openai/whisper, whisper/tokenizer.py, LANGUAGES without Cantonese, which came with large-v3: 99 languages.
LANGUAGE_NAMES = {
    "af": "afrikaans", "am": "amharic", "ar": "arabic", "as": "assamese", "az": "azerbaijani", "ba": "bashkir",
    "be": "belarusian", "bg": "bulgarian", "bn": "bengali", "bo": "tibetan", "br": "breton", "bs": "bosnian",
    "ca": "catalan", "cs": "czech", "cy": "welsh", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fo": "faroese",
    "fr": "french", "gl": "galician", "gu": "gujarati", "ha": "hausa", "haw": "hawaiian", "he": "hebrew",
    "hi": "hindi", "hr": "croatian", "ht": "haitian creole", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "is": "icelandic", "it": "italian", "ja": "japanese", "jw": "javanese", "ka": "georgian",
    "kk": "kazakh", "km": "khmer", "kn": "kannada", "ko": "korean", "la": "latin", "lb": "luxembourgish",
    "ln": "lingala", "lo": "lao", "lt": "lithuanian", "lv": "latvian", "mg": "malagasy", "mi": "maori",
    "mk": "macedonian", "ml": "malayalam", "mn": "mongolian", "mr": "marathi", "ms": "malay", "mt": "maltese",
    "my": "myanmar", "ne": "nepali", "nl": "dutch", "nn": "nynorsk", "no": "norwegian", "oc": "occitan",
    "pa": "punjabi", "pl": "polish", "ps": "pashto", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sa": "sanskrit", "sd": "sindhi", "si": "sinhala", "sk": "slovak", "sl": "slovenian", "sn": "shona",
    "so": "somali", "sq": "albanian", "sr": "serbian", "su": "sundanese", "sv": "swedish", "sw": "swahili",
    "ta": "tamil", "te": "telugu", "tg": "tajik", "th": "thai", "tk": "turkmen", "tl": "tagalog", "tr": "turkish",
    "tt": "tatar", "uk": "ukrainian", "ur": "urdu", "uz": "uzbek", "vi": "vietnamese", "yi": "yiddish",
    "yo": "yoruba", "zh": "chinese",
}  # fmt: skip
"""ISO 639-1 code to the name that `verbose_json` gives."""

_LONGEST_SEGMENT_S = 6.0
_DURATION_TOLERANCE_S = 0.5
_UNDERSTOOD = 0.5
# Source: openai/whisper discussion 679, and McCloudS/subgen issue 21: "Thanks for watching!" on silence.
# Assumed: invented sentences come with a high no_speech_prob and a low avg_logprob. If wrong: invented sentences stand
# on a page. Check: openai: speech.
_INVENTED_ON_SILENCE = "Thank you for watching."
_INVENTED_ON_MUSIC = "Oh, oh, oh, all night long."
_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


class Segment(BaseModel):
    """A stretch of speech in seconds, with Whisper's doubts about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: float
    end: float
    text: str
    no_speech_prob: float = 0.02
    avg_logprob: float = -0.25


class Match(BaseModel):
    """Which uploads a script is for; what is not given is not asked."""

    model_config = ConfigDict(extra="forbid")

    sha256: str | None = None
    duration_s: float | None = None
    file_name: str | None = Field(default=None, description="A regular expression searched in the name.")


class SpeechScript(Script):
    """A laid-down transcript: `text`, or `segments`, or both; `language` in ISO 639-1."""

    text: str | None = None
    language: str = "en"
    segments: list[Segment] = Field(default_factory=list)
    match: Match = Match()

    def suits(self, sound: Sound, *, file_name: str) -> bool:
        """Whether the script is meant for this upload."""
        wanted = self.match
        return (
            wanted.sha256 in (None, sound.sha256)
            and (wanted.duration_s is None or abs(wanted.duration_s - sound.duration_s) <= _DURATION_TOLERANCE_S)
            and (wanted.file_name is None or re.search(wanted.file_name, file_name) is not None)
        )


@dataclass(frozen=True)
class Said:
    """A transcript; `language` in ISO 639-1."""

    text: str
    language: str
    segments: tuple[Segment, ...]


def say(sound: Sound, *, script: SpeechScript | None, language: str | None) -> Said:
    """The transcript of `sound`; `language` is the one that was asked for."""
    if script is not None:
        segments = tuple(script.segments) or _spread(script.text or "", duration_s=sound.duration_s)
        text = script.text if script.text is not None else " ".join(segment.text.strip() for segment in segments)
        return Said(text=text, language=script.language, segments=segments)
    segments = tuple(_counted(sound) if sound.is_speech else _invented(sound))
    text = " ".join(segment.text for segment in segments)
    return Said(text=text, language=language or "en", segments=segments)


def as_verbose_json(said: Said, *, duration_s: float, granularities: list[str]) -> dict[str, Any]:
    """OpenAI's `verbose_json`, its usage aside."""
    # Source: openai 3.52, types/audio/transcription_verbose.py: the language by its English name.
    answer: dict[str, Any] = {
        "task": "transcribe",
        "language": LANGUAGE_NAMES.get(said.language, said.language),
        "duration": round(duration_s, 2),
        "text": said.text,
    }
    if "word" in granularities:
        answer["words"] = [word for segment in said.segments for word in _words(segment)]
    if "segment" in granularities:
        answer["segments"] = [_as_json(number, segment) for number, segment in enumerate(said.segments)]
    return answer


def as_filled_schema(said: Said, schema: dict[str, Any]) -> dict[str, Any]:
    """A transcript by a schema that has a list of segments, flags and a language, told apart by type and name."""
    # Assumed: where nobody speaks Gemini says so, as it is asked to. If wrong: invented sentences stand on a page.
    # Check: none.
    segments = [segment for segment in said.segments if segment.no_speech_prob < _UNDERSTOOD]
    answer: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        if part.get("type") == "array":
            answer[name] = [_with_clocks(segment, part["items"]["properties"]) for segment in segments]
        elif part.get("type") == "boolean":
            answer[name] = bool(segments)
        elif "lang" in name:
            answer[name] = said.language if segments else ""
    return answer


def _with_clocks(segment: Segment, properties: dict[str, Any]) -> dict[str, Any]:
    # Source: ai.google.dev/gemini-api/docs/audio, refer to timestamps: MM:SS.
    known = {"start": _clock(math.floor(segment.start)), "end": _clock(math.ceil(segment.end))}
    return {
        name: False if part.get("type") == "boolean" else known.get(name, segment.text.strip())
        for name, part in properties.items()
    }


def _clock(seconds: int) -> str:
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


def _counted(sound: Sound) -> list[Segment]:
    """ "Segment one." and so on, each at most `_LONGEST_SEGMENT_S` long."""
    segments: list[Segment] = []
    for start_s, end_s in sound.stretches:
        pieces = math.ceil((end_s - start_s) / _LONGEST_SEGMENT_S)
        borders = [start_s + (end_s - start_s) * piece / pieces for piece in range(pieces + 1)]
        for piece_start_s, piece_end_s in pairwise(borders):
            number = len(segments)
            name = _NUMBERS[number] if number < len(_NUMBERS) else str(number + 1)
            segments.append(Segment(start=piece_start_s, end=piece_end_s, text=f"Segment {name}."))
    return segments


def _invented(sound: Sound) -> list[Segment]:
    text = _INVENTED_ON_MUSIC if sound.stretches else _INVENTED_ON_SILENCE
    return [Segment(start=0.0, end=sound.duration_s, text=text, no_speech_prob=0.91, avg_logprob=-1.12)]


def _spread(text: str, *, duration_s: float) -> tuple[Segment, ...]:
    """The sentences of `text`, each with time by its length."""
    sentences = re.findall(r"[^.!?\n]+[.!?]*", text)
    length = sum(map(len, sentences))
    segments, start_s = [], 0.0
    for sentence in sentences:
        end_s = start_s + duration_s * len(sentence) / length
        segments.append(Segment(start=start_s, end=end_s, text=sentence.strip()))
        start_s = end_s
    return tuple(segments)


def _words(segment: Segment) -> list[dict[str, Any]]:
    words = segment.text.split()
    each_s = (segment.end - segment.start) / max(1, len(words))
    return [
        {
            "word": word,
            "start": round(segment.start + place * each_s, 2),
            "end": round(segment.start + (place + 1) * each_s, 2),
        }
        for place, word in enumerate(words)
    ]


def _as_json(number: int, segment: Segment) -> dict[str, Any]:
    return {
        # Source: openai 3.52, types/audio/transcription_segment.py.
        "id": number,
        "seek": 0,
        "start": round(segment.start, 2),
        "end": round(segment.end, 2),
        "text": f" {segment.text.strip()}",
        "tokens": [50364 + place for place, _ in enumerate(segment.text.split())],
        "temperature": 0.0,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": 1.1,
        "no_speech_prob": segment.no_speech_prob,
    }
