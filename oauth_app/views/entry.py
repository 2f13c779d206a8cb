"""An entry as people see it: the stages as a progress line, and what may be done next."""

from __future__ import annotations

from dataclasses import dataclass

from svp_dagster.errors import BUDGET_CODES, Code
from svp_dagster.models import Status
from svp_dagster.store.entries import Entry

_LINE = (
    ("Download", Status.DOWNLOADING, ("download",)),
    ("Transcribe", Status.TRANSCRIBING, ("transcribe",)),
    ("Process", Status.PROCESSING, ("read_screen", "summarize")),
    ("Save", Status.SAVING, ("publish",)),
)
"""Each step of the line: its name, the status of a row at it, and its stages."""
_WORDS = {
    Status.PENDING: "Waiting",
    Status.DOWNLOADING: "Downloading",
    Status.TRANSCRIBING: "Transcribing",
    Status.PROCESSING: "Processing",
    Status.SAVING: "Saving",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
}
_WAITS = {
    Code.PLATFORM_PAUSED: "Waits for the site",
    Code.WAITS_TURN: "Waits its turn",
    **dict.fromkeys(BUDGET_CODES, "Waits for a budget"),
}
_STATE_WORDS = {"done": "done", "now": "going on", "broken": "failed", "ahead": "not yet"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One part of the progress line. `state` is `done`, `now`, `broken` or `ahead`."""

    name: str
    state: str

    @property
    def state_words(self) -> str:
        """Return the state in words, for people who don't see colours."""
        return _STATE_WORDS[self.state]


@dataclass(frozen=True, kw_only=True)
class EntryView:
    """An entry and what was paid for it. `cost_usd` is None where nothing was paid."""

    entry: Entry
    cost_usd: float | None
    cost_known: bool
    run_url: str | None

    @property
    def waits_for_site(self) -> bool:
        """Return whether it waits for its paused site. `retry_at` is then only the next check of the site."""
        return self.entry.is_waiting and self.entry.failure_code == Code.PLATFORM_PAUSED

    @property
    def can_retry(self) -> bool:
        """Return whether a retry is of use now."""
        return self.entry.can_retry and not self.waits_for_site

    @property
    def status_words(self) -> str:
        """Return the status for people."""
        if self.entry.is_waiting:
            return _WAITS.get(self.entry.failure_code or Code.INTERNAL, "Tried again later")
        return _WORDS[self.entry.status]

    @property
    def badge(self) -> str:
        """Return the colour of the status."""
        if self.entry.status.is_final or self.entry.status is Status.PENDING:
            return str(self.entry.status)
        return "busy"

    @property
    def steps(self) -> list[Step]:
        """Return the progress line."""
        return [Step(name=name, state=state) for (name, _, _), state in zip(_LINE, self._states(), strict=True)]

    @property
    def seconds(self) -> float:
        """Return how long the stages took in all."""
        return sum(self.entry.stage_seconds.values())

    def _states(self) -> list[str]:
        status = self.entry.status
        if status is Status.COMPLETED:
            return ["done"] * len(_LINE)
        if status is Status.PENDING:
            return ["ahead"] * len(_LINE)
        if status is Status.FAILED:
            return _until(self._stopped_at(), "broken")
        return _until(next(at for at, (_, shown, _) in enumerate(_LINE) if shown is status), "now")

    def _stopped_at(self) -> int | None:
        """Return the first step with an unfinished stage; None for a row that never started."""
        ended = self.entry.stage_seconds
        if self.entry.run_id is None:
            return None
        unended = (at for at, (_, _, stages) in enumerate(_LINE) if any(stage not in ended for stage in stages))
        return next(unended, len(_LINE) - 1)


def _until(at: int | None, state: str) -> list[str]:
    if at is None:
        return ["ahead"] * len(_LINE)
    return ["done"] * at + [state] + ["ahead"] * (len(_LINE) - at - 1)
