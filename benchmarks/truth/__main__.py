"""How much of what a page says is complete and true: `python -m benchmarks.truth [--only PART] [--live]`.

Each part is a module of this package whose `measure()` prints a table and returns figures. The last line has the
figures of all parts that ran:

    caption_recall, caption_recall_half_s   burned-in captions that were read, standing for 1 s or longer, and for 0.5 s
    false_lines                             lines read that no picture shows
    scripts                                 scripts of which nine words in ten are read
    speech_kept                             speech under music that reaches the engine
    bad_written, good_blanked               a model's answers that the rules judge wrongly (`answers`)
    extractive_wrong                        wrong values of the engine without a key (`extractive`)

A figure beyond its limit, a part that isn't there and a part that can't measure here end it with an error.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.truth.parts import NotMeasured

PARTS = ("captions", "scripts", "speech", "answers", "extractive")
"""Modules of this package, in the order in which they run."""


@dataclass(frozen=True)
class Limit:
    """The bounds of a figure, and how it is written in the last line."""

    at_least: float | None = None
    at_most: float | None = None
    shown: str = "{:.2f}"

    def breach(self, value: float) -> str:
        """Return what is wrong with the value, or an empty text."""
        if self.at_least is not None and value < self.at_least:
            return f"below {self.at_least:g}"
        if self.at_most is not None and value > self.at_most:
            return f"above {self.at_most:g}"
        return ""


LIMITS = {
    "caption_recall": Limit(at_least=0.95),
    "caption_recall_half_s": Limit(at_least=0.8),
    "false_lines": Limit(at_most=0.02, shown="{:.3f}"),
    "scripts": Limit(at_least=10, shown="{:.0f}/10"),
    "speech_kept": Limit(at_least=0.85),
    "bad_written": Limit(at_most=0.4),
    "good_blanked": Limit(at_most=0.2),
    "extractive_wrong": Limit(at_most=0.08),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts and print the figures. Raises `SystemExit` with what is missing or beyond its limit."""
    options = _parsed(arguments)
    figures: dict[str, float] = {}
    problems: list[str] = []
    for part in options.only or PARTS:
        print(f"\n## {part}\n", flush=True)
        try:
            figures |= run(part, live=options.live)
        except NotMeasured as missing:
            print(missing)
            problems.append(f"{part} was not measured: {missing}")
    problems += [f"{name} is {breach}" for name in figures if (breach := LIMITS[name].breach(figures[name]))]
    for problem in problems:
        print(problem)
    print(" ".join(f"{name}={LIMITS[name].shown.format(value)}" for name, value in figures.items()))
    sys.exit(1 if problems else 0)


def run(part: str, *, live: bool) -> dict[str, float]:
    """Return the figures of a part. Raises `NotMeasured` if there is no such module, or it can't measure here."""
    name = f"benchmarks.truth.{part}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise NotMeasured(f"there is no module {name}, which has to define measure()") from error
    figures: dict[str, float] = module.measure()
    if unknown := sorted(figures.keys() - LIMITS):
        raise NotMeasured(f"it gives figures without a limit: {', '.join(unknown)}")
    if live and hasattr(module, "measure_live"):
        module.measure_live()
    return figures


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how complete and true pages are.")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help="run this part; repeatable")
    parser.add_argument("--live", action="store_true", help="ask the paid services too, where their keys are set")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
