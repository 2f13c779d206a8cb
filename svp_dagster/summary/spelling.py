"""Spell speech as burned-in captions do: who made the video knows its names, and speech engines guess them.

A caption has most of its words in common with what is said at its time. Where its other words sound alike, the screen's
spelling wins. A caption whose words all agree then says nothing new; one that differs in another way stays beside the
speech. A heading stands longer than the words that it shares with the speech, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from svp_dagster.models import ScreenLine, ScreenText, Segment, Transcript
from svp_dagster.summary.subtitles import SLACK_S, Subtitles
from svp_dagster.summary.words import comparable

FEWEST_SUBTITLES = 3
"""One or two lines that are also said are headings."""

ROUGHLY = 60
"""A line may be a caption of misheard words from this similarity (0 to 100) to the speech of its time on."""

LONGEST_SHOWN_S = 10.0
SOUNDS_ALIKE = 55
MIN_LETTERS = 4
"""Shorter words are alike by chance."""

_LONGEST_STRETCH = 5
_WIDER = 4
_COMPARED_WORDS = 400
_EDGES = ".,!?;:…\"'“”‘’()。！？、"
# Letters that screen readers take for each other.
_LOOKALIKES = str.maketrans("1l|05", "iiios")
_LOOKALIKE_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


class _Relation(Enum):
    AGREES = "agrees"
    RESPELLED = "respelled"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True)
class Spelled:
    """A transcript in the screen's spelling. `heard` has the engine's own text of each segment that changed, by index.

    `repeated` are the lines on the screen that say nothing that the transcript doesn't say.
    """

    transcript: Transcript
    heard: Mapping[int, str]
    repeated: frozenset[ScreenLine]


@dataclass
class _Word:
    """A word of the speech. A respelled stretch keeps its new text in its first word, and the others are empty."""

    segment: int
    text: str
    key: str
    follows_end: bool


def spelled(transcript: Transcript, screen_text: ScreenText) -> Spelled:
    """Return the transcript in the spelling of the captions on the screen, and the lines that repeat it."""
    subtitles = Subtitles(transcript)
    certain = {line for line in screen_text.lines if subtitles.includes(line)}
    if transcript.doubtful or sum(line in certain for line in screen_text.lines) < FEWEST_SUBTITLES:
        return Spelled(transcript=transcript, heard={}, repeated=frozenset())
    segments = transcript.segments or (Segment(start_s=0.0, end_s=0.0, text=transcript.text),)
    speech = _Speech(segments, is_timed=bool(transcript.segments))
    repeated = set()
    for line in screen_text.lines:
        if line in certain or subtitles.includes(line, similarity=ROUGHLY):
            relation = speech.respell(line)
            if relation is _Relation.RESPELLED or (relation is _Relation.AGREES and line in certain):
                repeated.add(line)
    return Spelled(
        transcript=_with_texts(transcript, speech.texts()), heard=speech.changed(), repeated=frozenset(repeated)
    )


class _Speech:
    """The words of the speech, some of them respelled."""

    def __init__(self, segments: Sequence[Segment], *, is_timed: bool) -> None:
        self._segments = segments
        self._is_timed = is_timed
        self._words = list(_words(segments))

    def respell(self, line: ScreenLine) -> _Relation:
        """Compare a line with the words of its time, and take over its spelling where these sound alike."""
        shown = [word for word in line.text.split() if _key(word)]
        keys = [_key(word) for word in shown]
        near = _closest(keys, self._beside(line))
        matcher = SequenceMatcher(None, keys, [word.key for word in near], autojunk=False)
        if not keys or 2 * sum(block.size for block in matcher.get_matching_blocks()) < len(keys):
            return _Relation.DIFFERS
        relations = []
        for kind, i, i_end, j, j_end in matcher.get_opcodes():
            if kind == "delete":
                relations.append(_Relation.DIFFERS)
            elif kind == "replace":
                pairs = _pairs(shown[i:i_end], near[j:j_end])
                relations += [_respell(*pair, line) for pair in pairs]
        if _Relation.DIFFERS in relations:
            return _Relation.DIFFERS
        return _Relation.RESPELLED if _Relation.RESPELLED in relations else _Relation.AGREES

    def _beside(self, line: ScreenLine) -> list[_Word]:
        """Return the words that are said while a line is on the screen."""
        if not self._is_timed or line.first_s is None or line.last_s is None:
            return self._words[:_COMPARED_WORDS]
        start_s, end_s = line.first_s - SLACK_S, line.last_s + SLACK_S
        timed = (word for word in self._words if self._segments[word.segment].end_s >= start_s)
        return [word for word in timed if self._segments[word.segment].start_s <= end_s][:_COMPARED_WORDS]

    def texts(self) -> list[str]:
        """Return the text of each segment."""
        texts: list[list[str]] = [[] for _ in self._segments]
        for word in self._words:
            if word.text:
                texts[word.segment].append(word.text)
        return [" ".join(words) for words in texts]

    def changed(self) -> dict[int, str]:
        """Return the original text of each segment that was respelled."""
        before = [" ".join(segment.text.split()) for segment in self._segments]
        return {number: old for number, (old, new) in enumerate(zip(before, self.texts(), strict=True)) if old != new}


def _respell(shown: Sequence[str], said: Sequence[_Word], line: ScreenLine) -> _Relation:
    """Compare a stretch of a line with what was said there, and take over its spelling where it wins."""
    is_loud = line.text.isupper()
    relation = _relation(shown, said, is_loud=is_loud)
    if relation is not _Relation.RESPELLED:
        return relation
    if line.first_s is not None and line.last_s is not None and line.last_s - line.first_s > LONGEST_SHOWN_S:
        return _Relation.DIFFERS
    text = " ".join(shown)
    _replace(said, text.title() if is_loud and _is_name(said) else text.lower() if is_loud else text)
    return relation


def _words(segments: Sequence[Segment]) -> Iterable[_Word]:
    for number, segment in enumerate(segments):
        ended = True
        for text in segment.text.split():
            yield _Word(segment=number, text=text, key=_key(text), follows_end=ended)
            ended = text.endswith((".", "!", "?", "…"))


def _closest(shown: Sequence[str], words: Sequence[_Word]) -> Sequence[_Word]:
    """Return the stretch of the words that has most of the shown ones, with the words before and after these."""
    length = len(shown) + _WIDER
    wanted = Counter(shown)
    starts = range(max(1, len(words) - length + 1))
    common = [sum((wanted & Counter(word.key for word in words[start : start + length])).values()) for start in starts]
    first = last = common.index(max(common))
    while last + 1 < len(common) and common[last + 1] == common[first]:
        last += 1
    return words[first : last + length]


def _pairs(shown: Sequence[str], near: Sequence[_Word]) -> list[tuple[Sequence[str], Sequence[_Word]]]:
    """Return what was said for each of the shown words, or for all of them where their numbers differ."""
    if len(shown) == len(near):
        return [([word], [other]) for word, other in zip(shown, near, strict=True)]
    return [(shown, _most_alike("".join(map(_key, shown)), near))]


def _most_alike(shown: str, words: Sequence[_Word]) -> Sequence[_Word]:
    """Return the stretch of the words that is most like the shown letters."""
    stretches = [
        words[start:end]
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + _LONGEST_STRETCH) + 1)
    ]
    return max(stretches, key=lambda stretch: fuzz.ratio(shown, _joined(stretch)))


def _relation(shown: Sequence[str], said: Sequence[_Word], *, is_loud: bool) -> _Relation:
    written, heard = "".join(map(_key, shown)), _joined(said)
    if _look(written) == _look(heard):
        return _Relation.AGREES
    if any(character.isdigit() for character in written + heard):
        return _Relation.DIFFERS
    if not _is_name(said) and (written in heard or heard in written):
        return _Relation.DIFFERS  # a negation ("can", "can't"), or another form of the word
    is_slip = Levenshtein.distance(written, heard) <= 1
    if is_slip and not (_is_name(said) or (not is_loud and _has_capital(shown))):
        return _Relation.AGREES  # a letter that was misread, since speech engines know ordinary words
    if is_slip and not _is_name(said):
        return _Relation.DIFFERS  # a name or the beginning of a sentence
    alike = min(len(written), len(heard)) >= MIN_LETTERS and fuzz.ratio(written, heard) >= SOUNDS_ALIKE
    return _Relation.RESPELLED if alike else _Relation.DIFFERS


def _replace(said: Sequence[_Word], text: str) -> None:
    """Put the text in the place of the words, with the punctuation that stood around them."""
    before = said[0].text[: len(said[0].text) - len(said[0].text.lstrip(_EDGES))]
    after = said[-1].text[len(said[-1].text.rstrip(_EDGES)) :]
    said[0].text = f"{before}{text.strip(_EDGES)}{after}"
    said[0].key = "".join(map(_key, text.split()))
    for word in said[1:]:
        word.text = word.key = ""


def _is_name(said: Sequence[_Word]) -> bool:
    """Return whether a word has a capital that no beginning of a sentence explains."""
    return any(word.text.strip(_EDGES)[:1].isupper() and not word.follows_end for word in said)


def _has_capital(shown: Sequence[str]) -> bool:
    return any(word.strip(_EDGES)[:1].isupper() for word in shown)


def _joined(words: Sequence[_Word]) -> str:
    return "".join(word.key for word in words)


def _look(key: str) -> str:
    """Return the key with letters that look alike made equal."""
    for pair, single in _LOOKALIKE_PAIRS:
        key = key.replace(pair, single)
    return key.translate(_LOOKALIKES)


def _key(word: str) -> str:
    return comparable(word).replace(" ", "")


def _with_texts(transcript: Transcript, texts: Sequence[str]) -> Transcript:
    if not transcript.segments:
        return transcript.model_copy(update={"text": texts[0]})
    pairs = zip(transcript.segments, texts, strict=True)
    segments = tuple(segment.model_copy(update={"text": text}) for segment, text in pairs)
    text = " ".join(segment.text for segment in segments if not segment.sung and segment.text)
    return transcript.model_copy(update={"segments": segments, "text": text if transcript.text else ""})
