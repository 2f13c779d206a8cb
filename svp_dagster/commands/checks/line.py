"""A line of `svp check`: a question to a real service, the answer that the product relies on, and what came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from svp_dagster.causes import as_failure
from svp_dagster.commands.process import Tally
from svp_dagster.models import PaidCall
from svp_dagster.unknown_answers import Recorder, UnknownAnswer, without_secrets

Verdict = Literal["ok", "differs", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """What a service was asked and what it answered.

    `differs`: it answered, but not as the product expects. `failed`: it didn't answer, or refused. `cost_usd` is None
    where the price isn't known. `advice` is what the operator can do.
    """

    service: str
    asked: str
    expected: str
    got: str
    verdict: Verdict
    cost_usd: float | None = 0.0
    advice: str = ""

    @property
    def name(self) -> str:
        """How docs/assumptions.md names the line."""
        return f"{self.service}: {self.asked}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came. An empty `advice` means that it is as expected."""

    got: str
    advice: str = ""


def skipped(service: str, asked: str, advice: str) -> CheckLine:
    """Return the line of a question that is not asked, with what would have it asked."""
    return CheckLine(service=service, asked=asked, expected="", got="not checked", verdict="skipped", advice=advice)


class SeenAnswers:
    """Remembers the unknown answers of this command, and passes them on."""

    def __init__(self, recorder: Recorder) -> None:
        self.kinds: list[str] = []
        self._recorder = recorder

    def record(self, answer: UnknownAnswer) -> None:
        """Remember the kind of an answer, and keep the answer."""
        self.kinds.append(answer.kind)
        self._recorder.record(answer)


class Questions:
    """Asks one question after the other. `tally` is the meter of all paid calls."""

    def __init__(self, tally: Tally, seen: SeenAnswers) -> None:
        self.tally = tally
        self._seen = seen

    def ask(self, service: str, asked: str, *, expected: str, how: Callable[[], Answer]) -> CheckLine:
        """Ask one question and return its line, whatever happens."""
        paid_before, seen_before = len(self.tally.calls), len(self._seen.kinds)
        verdict: Verdict
        try:
            answer = how()
            verdict = "differs" if answer.advice else "ok"
        except Exception as error:  # noqa: BLE001 (one failing line must not stop the others, whatever it is)
            problem = as_failure(error)
            verdict = "failed"
            answer = Answer(got=": ".join(filter(None, [problem.code, problem.detail])), advice=problem.sentence)
        news = "".join(f" (no rule knows: {kind})" for kind in self._seen.kinds[seen_before:])
        return CheckLine(
            service=service,
            asked=asked,
            expected=expected,
            got=without_secrets(answer.got) + news,
            verdict=verdict,
            cost_usd=_sum(self.tally.calls[paid_before:]),
            advice=without_secrets(answer.advice),
        )


def _sum(calls: Sequence[PaidCall]) -> float | None:
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    return sum(costs) if len(costs) == len(calls) else None
