"""What stages and engines are handed in tests: it keeps in memory and counts what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Self

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Span, Transcript, Usage, Value, Word
from svp_dagster.ports import Kept, Meter
from svp_dagster.unknown_answers import UnknownAnswer


class CountingMeter:
    """Records each call; with a budget of so many calls, refuses the next."""

    def __init__(self, *, calls_allowed: int = 1000, refusal: Exception | None = None) -> None:
        self.calls: list[Usage] = []
        self.checks = 0
        self._left = calls_allowed
        self._refusal = refusal or failure(Code.BUDGET_REACHED, budget="$1")
        self._lock = Lock()

    def require_budget(self) -> None:
        with self._lock:
            self.checks += 1
            if self._left == 0:
                raise self._refusal
            self._left -= 1

    def raised(self, *, calls: int) -> Self:
        """The same meter with a budget for more calls."""
        self._left += calls
        return self

    def record(self, usage: Usage) -> None:
        self.calls.append(usage)


class RecordingAnswers:
    """Keeps the unknown answers of a test, or fails with each."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.answers: list[UnknownAnswer] = []
        self._failure = failure

    def record(self, answer: UnknownAnswer) -> None:
        if self._failure is not None:
            raise self._failure
        self.answers.append(answer)


class ContentsInMemory:
    """Keeps results for the time of a test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], Value] = {}

    def get(self, media_key: str, kind: str, recipe: str, shape: type[Kept]) -> Kept | None:
        kept = self.kept.get((media_key, kind, recipe))
        return kept if isinstance(kept, shape) else None

    def put(self, media_key: str, kind: str, recipe: str, value: Value) -> None:
        self.kept[media_key, kind, recipe] = value


class SayingEngine:
    """Says the same of every sound, and remembers what it was asked."""

    def __init__(self, transcript: Transcript | SvpError, *, recipe: str = "saying") -> None:
        self._transcript = transcript
        self.recipe = recipe
        self.speech: list[Sequence[Span]] = []

    def prepare(self) -> None:
        pass

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        assert sound.is_file()
        self.speech.append(speech)
        if isinstance(self._transcript, SvpError):
            raise self._transcript
        return self._transcript


class ShowingReader:
    """Reads a line off each tile, by where the tile is said to be; fails on the pictures it is told to."""

    source = "showing"

    def __init__(
        self,
        *,
        words: Sequence[Word] = (),
        unreadable: Sequence[int] = (),
        problem: SvpError | None = None,
        tiles: int = 15,
    ) -> None:
        self.tiles = tiles
        self.recipe = "showing"
        self.pictures: list[bytes] = []
        self._words, self._unreadable, self._problem = list(words), unreadable, problem

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:
        assert limit_s > 0
        if self._problem is not None:
            raise self._problem
        self.pictures += [picture.read_bytes() for picture in pictures]
        return [None if number in self._unreadable else self._words for number in range(len(pictures))]
