"""Stand-ins that answer as `svp check` expects, and its lines by their names."""

from __future__ import annotations

from collections.abc import Iterable

from svp_dagster.commands.checks import screen, summary
from svp_dagster.commands.checks.line import CheckLine
from svp_dagster.screen.sheets import arrange
from tests.sandbox.ai_service import AiService

ANSWER = {
    "overview": "Pancakes.",
    "properties": {
        name: {"evidence": [], "value": value, "confidence": 0.9}
        for name, value in {"name": "Pancakes", **summary.VALUES}.items()
    },
}


def answer_as_expected(ai: AiService) -> None:
    """Let the stand-ins hear what is said in the sample, and give the values of the text."""
    ai.steer("speech", text="Boil the pasta and add the basil.", times=None)
    ai.steer("gemini", answer=ANSWER, times=None)


def show_sheet(ai: AiService, count: int, *, small: int, marks: str = screen.MARKS) -> None:
    """Lay down what the next picture shows: all large words, `small` of the small ones, and the marks."""
    layout = arrange(count, *screen.FRAME_PX)
    shown = []
    for frame in range(count):
        left, top = layout.corner(frame)
        shown.append({"text": screen.WORDS[frame], "left": left + 40, "top": top + 260, "width": 220, "height": 50})
        if frame < small:
            small_word = screen.small_word(frame)
            shown.append({"text": small_word, "left": left + 40, "top": top + 580, "width": 90, "height": 20})
        if frame == 0 and marks:
            shown.append({"text": marks, "left": left + 40, "top": top + 780, "width": 300, "height": 20})
    ai.steer("vision", lines=shown, times=1)


def verdicts(lines: Iterable[CheckLine]) -> dict[str, str]:
    """The verdict of each line by its name."""
    return {line.name: line.verdict for line in lines}


def line(lines: Iterable[CheckLine], name: str) -> CheckLine:
    """The one line of a name."""
    (found,) = (line for line in lines if line.name == name)
    return found
