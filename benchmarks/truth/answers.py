"""Part `answers`: which answers of a model are written by the rules alone.

    bad_written     answers that the material doesn't support, and that are written all the same
    good_blanked    answers that the material supports, and that are left blank

Each answer was labelled by hand (`material/answers_*.yaml`). The rules were written with the tuned half; the other half
is held out. `measure_live` judges the same answers with Gemini's check beside the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.truth.parts import NotMeasured, load, print_table, request_for
from svp_dagster.commands.process import Tally
from svp_dagster.models import Evidence, PropertyFill
from svp_dagster.ports import SummaryRequest
from svp_dagster.prices import load_prices
from svp_dagster.settings import Settings
from svp_dagster.summary.acceptance import Accepted, Judge
from svp_dagster.summary.engines import GeminiSummarizer
from svp_dagster.summary.material import Material, gather

HALVES = ("tuned", "held_out")
_MIN_CONFIDENCE = 0.4
_BUDGET_CHARS = 60_000


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An answer for one column, with its label and what is special about it."""

    half: str
    video: str
    request: SummaryRequest
    column: str
    offer: PropertyFill
    is_good: bool
    cause: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An answer and whether it was written."""

    answer: Labelled
    is_written: bool

    @property
    def is_wrong(self) -> bool:
        """Whether a bad answer was written, or a good one was not."""
        return self.is_written is not self.answer.is_good


Accept = Callable[[SummaryRequest, Material, dict[str, PropertyFill]], Accepted]


def measure() -> dict[str, float]:
    """Judge all answers by the rules alone, print a table, and return the shares over both halves."""
    judged = judge_all(_by_rules)
    _print(judged)
    return shares(judged)


def measure_live() -> None:
    """Judge all answers by the rules with Gemini's check beside them, and print what that adds and costs.

    Raises `NotMeasured` without a key.
    """
    settings = Settings()
    if settings.gemini_api_key is None:
        raise NotMeasured("set GEMINI_API_KEY to measure what the check by Gemini adds")
    tally = Tally(load_prices(settings.prices_file))
    engine = GeminiSummarizer(
        api_key=settings.gemini_api_key,
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
    )

    def checked(request: SummaryRequest, material: Material, offers: dict[str, PropertyFill]) -> Accepted:
        judge = Judge(request.data_schema, material, min_confidence=_MIN_CONFIDENCE)
        return judge.accept(offers, check=partial(engine.check, meter=tally))

    judged = judge_all(checked)
    print("\nWith the check by Gemini:\n")
    _print(judged)
    costs = [call.cost_usd or 0.0 for call in tally.calls]
    figures = " ".join(f"{name}={value:.2f}" for name, value in shares(judged).items())
    print(f"\nWith the check: {figures} calls={len(costs)} usd={sum(costs):.4f}")


def judge_all(accept: Accept) -> list[Judged]:
    """Return a judgement for each labelled answer."""
    return [
        Judged(answer=answer, is_written=_is_written(answer, accept)) for half in HALVES for answer in _labelled(half)
    ]


def shares(judged: list[Judged]) -> dict[str, float]:
    """Return the shares of bad answers that are written, and of good ones that are left blank."""
    bad = [one.is_written for one in judged if not one.answer.is_good]
    good = [one.is_written for one in judged if one.answer.is_good]
    return {"bad_written": sum(bad) / len(bad), "good_blanked": good.count(False) / len(good)}


def _labelled(half: str) -> Iterator[Labelled]:
    for video in load(f"answers_{half}.yaml"):
        request = request_for(video)
        for label, column, value, quoted, cause in video["answers"]:
            quote, at_s = quoted if isinstance(quoted, list) else (quoted, None)
            evidence = Evidence(source="speech", quote=quote, at_s=at_s)
            yield Labelled(
                half=half,
                video=video["name"],
                request=request,
                column=column,
                offer=PropertyFill(value=value, confidence=0.9, evidence=(evidence,)),
                is_good=label == "good",
                cause=cause,
            )


def _is_written(answer: Labelled, accept: Accept) -> bool:
    request = answer.request
    material = gather(
        video=request.video,
        transcript=request.transcript,
        screen_text=request.screen_text,
        budget_chars=_BUDGET_CHARS,
    )
    accepted = accept(request, material, {answer.column: answer.offer})
    written: Any = accepted.properties.get(answer.column)
    return written is not None and written.value == answer.offer.value


def _by_rules(request: SummaryRequest, material: Material, offers: dict[str, PropertyFill]) -> Accepted:
    return Judge(request.data_schema, material, min_confidence=_MIN_CONFIDENCE).accept(offers)


def _print(judged: list[Judged]) -> None:
    """Print a row for each cause and half."""
    wrong: Counter[tuple[str, bool, str]] = Counter()
    total: Counter[tuple[str, bool, str]] = Counter()
    for one in judged:
        key = (one.answer.half, one.answer.is_good, one.answer.cause)
        total[key] += 1
        wrong[key] += one.is_wrong
    causes = sorted({one.answer.cause for one in judged})
    cells = [(half, is_good) for half in HALVES for is_good in (False, True)]
    rows = [
        [cause, *(f"{wrong[half, good, cause]} of {total[half, good, cause]}" for half, good in cells)]
        for cause in causes
    ]
    sums = [
        f"{sum(wrong[half, good, cause] for cause in causes)} of {sum(total[half, good, cause] for cause in causes)}"
        for half, good in cells
    ]
    names = [f"{'good blanked' if good else 'bad written'}, {half.replace('_', ' ')}" for half, good in cells]
    print_table(["cause", *names], [*rows, ["all", *sums]])
