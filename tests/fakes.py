"""What stages and engines are handed in tests: it keeps in memory and counts what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import JsonObject, PaidCall, Span, Transcript, Word
from svp_dagster.ports import Meter


class CountingMeter:
    """Records each call; with a budget of so many calls, refuses the next."""

    def __init__(self, *, calls_allowed: int = 1000) -> None:
        self.calls: list[PaidCall] = []
        self._left = calls_allowed

    def require_budget(self) -> None:
        if self._left == 0:
            raise failure(Code.BUDGET_REACHED, budget="$1")
        self._left -= 1

    def record(self, call: PaidCall) -> None:
        self.calls.append(call)


class ContentsInMemory:
    """Keeps results for the time of a test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], JsonObject] = {}

    def get(self, media_key: str, kind: str, recipe: str) -> JsonObject | None:
        return self.kept.get((media_key, kind, recipe))

    def put(self, media_key: str, kind: str, recipe: str, value: JsonObject) -> None:
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
