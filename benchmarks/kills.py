"""What is ended in the middle of things: `python -m benchmarks.kills [--database URL]`.

A fault of a stand-in holds the run of a row, or of an upload, at a known place: its call has begun, or was carried
out, and the answer is late. There the process is ended with SIGKILL, as by a power cut. Then the entry has to be
completed by itself, with one page and its files in the library, and with one paid call for each service; the call that
was on its way is the only one that may be paid again.

Each line tells the place, the seconds from the kill to the end of the row, and the paid calls per service. A dead run
is noticed within 3 s here (`benchmarks.rig`), within 15 s in an installation: the wait is up to 12 s longer there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.installation import TAG
from benchmarks.rig import Rig, rig, wait_until
from benchmarks.soak import unique_file
from benchmarks.stand_ins import StandIn
from svp_dagster.library.files import SHEET, SRT, TEXT, VTT, read_file

POST = "pancakes"
"""Spoken, without captions, with text on the screen: every paid service has its part."""
HELD_S = 25.0
REACH_LIMIT_S = 120.0
END_LIMIT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run is held: in the call to `path` of a stand-in. `done`: it was carried out, its answer is late.

    `pays` is the service, as the stand-in's ledger calls it, that may be paid again.
    """

    name: str
    stand_in: str
    path: str
    method: str = "POST"
    done: bool = True
    pays: str = ""

    @property
    def fault(self) -> dict[str, Any]:
        """The fault that holds the next such call."""
        when = "after" if self.done else "before"
        return {"path": self.path, "method": self.method, "when": when, "delay_s": HELD_S, "name": self.name}

    def hold(self, made: Rig) -> None:
        """Hold the next such call."""
        self._at(made).steer("faults", **self.fault)

    def is_reached(self, made: Rig) -> bool:
        """Whether a call is held now."""
        held = [call for call in self._at(made).ask("requests")["requests"] if call["fault"] == self.name]
        if self.done:
            return any(call["status"] is not None for call in held)
        return any(each["injected"] for each in self._at(made).ask("faults")["faults"])

    def forget(self, made: Rig) -> None:
        """Hold nothing any more."""
        self._at(made).forget("faults")
        self._at(made).forget("requests")

    def _at(self, made: Rig) -> StandIn:
        found: StandIn = getattr(made.outside, self.stand_in)
        return found


DOWNLOAD = Place(name="download", stand_in="media", path=r"/media/pancakes\.mp4", method="GET", done=False)
TRANSCRIBE = Place(name="transcribe", stand_in="ai", path="^/v1/audio/", pays="openai")
READ_SCREEN = Place(name="read screen", stand_in="ai", path="images:annotate", pays="vision")
SUMMARIZE = Place(name="summarize", stand_in="ai", path=":generateContent", pays="gemini")
PUBLISH = Place(name="publish, before the page is made", stand_in="notion", path="^/v1/pages$", done=False)
CREATED = Place(name="publish, page made, not committed", stand_in="notion", path="^/v1/pages$")
STAGES = (DOWNLOAD, TRANSCRIBE, READ_SCREEN, SUMMARIZE, PUBLISH, CREATED)

DESTINATION = Place(
    name="download, before the file is fetched", stand_in="notion", path="^/v1/data_sources/", method="GET", done=False
)
"""An upload comes from no site; its run first looks at the Content Database of its tag."""
UPLOAD_STAGES = (DESTINATION, *STAGES[1:])

TICK = Place(name="the daemon, in a tick", stand_in="notion", path="/query$", done=False)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What became of a row or an upload. `paid` are the calls per service that were carried out for it.

    `shown` is the status that the row shows; None for an upload. `missing` are files that the library lacks.
    """

    place: Place
    seconds: float
    status: str
    shown: str | None
    pages: int
    missing: tuple[str, ...]
    paid: Counter[str] = field(default_factory=Counter)

    @property
    def problems(self) -> list[str]:
        """What is not as it should be."""
        at_most = {"openai": 1, "vision": 1, "gemini": 2}  # a summary and the check of its quotes
        if self.place.pays:
            at_most[self.place.pays] += 1
        told = [
            f"{self.paid[name]} calls of {name}" for name, most in at_most.items() if not 1 <= self.paid[name] <= most
        ]
        told += [f"{self.pages} pages"] if self.pages != 1 else []
        told += [f"no {name}" for name in self.missing]
        wrong = {self.status, self.shown} - {"completed", None}
        return told + ([f"{self.status}, shown as {self.shown}"] if wrong else [])

    def __str__(self) -> str:
        paid = ", ".join(f"{name} {count}" for name, count in sorted(self.paid.items()))
        verdict = "; ".join(self.problems) or "as it should be"
        return f"{self.place.name:<36}{self.seconds:6.1f} s   paid: {paid}   {verdict}"


def add_row(made: Rig) -> str:
    """Add a row with the link of a new post."""
    (link,) = made.outside.media.steer("copies", post=POST, count=1)["links"]
    return made.add_row(link)


def add_upload(made: Rig) -> str:
    """Upload a file that nobody has uploaded before."""
    return made.upload(f"{POST}.mp4", unique_file(f"{POST}.mp4", uuid.uuid4().int), tag=TAG)


def interrupt(
    made: Rig, place: Place, strike: Callable[[str], None], *, add: Callable[[Rig], str] = add_row
) -> Recovery:
    """Hold a new entry's run at a place, let `strike` (given the entry) happen there, and wait for the entry's end."""
    before, pages = _paid(made), _page_count(made)
    page_id = add(made)  # first: a row of Notion is a page too, whose making would be held
    place.hold(made)
    try:
        made.poll_now()
        wait_until(lambda: place.is_reached(made) or None, limit_s=REACH_LIMIT_S, what=place.name)
        struck = time.monotonic()
        strike(page_id)
        entry = made.wait_for_end(page_id, limit_s=END_LIMIT_S)
        seconds = time.monotonic() - struck
    finally:
        place.forget(made)
    return Recovery(
        place=place,
        seconds=seconds,
        status=str(entry.status),
        shown=made.row_status(page_id) if entry.link.has_row else None,
        pages=_page_count(made) - pages,
        missing=tuple(name for name in (TEXT, VTT, SRT, SHEET) if not read_file(made.files, page_id, name)),
        paid=_paid(made) - before,
    )


def kill_run(made: Rig, place: Place, *, add: Callable[[Rig], str] = add_row) -> Recovery:
    """End the run's process."""
    return interrupt(made, place, made.kill_run, add=add)


def kill_daemon(made: Rig, place: Place) -> Recovery:
    """End the daemon, and start it again as a supervisor does."""

    def strike(_page_id: str) -> None:
        made.kill_daemon()
        made.start_daemon()

    return interrupt(made, place, strike)


def cut_power(made: Rig, place: Place) -> Recovery:
    """End everything at once, and start it again."""

    def strike(_page_id: str) -> None:
        made.cut_power()
        made.power_up()

    return interrupt(made, place, strike)


def _page_count(made: Rig) -> int:
    return len(made.pages(made.content_source_id))


def _paid(made: Rig) -> Counter[str]:
    return Counter({name: int(units["calls"]) for name, units in made.outside.ai.ask("ledger").items()})


def main(arguments: Sequence[str]) -> int:
    """Strike at every place; 0 where each row came out as it should."""
    parser = argparse.ArgumentParser(description="What is ended in the middle of things.")
    parser.add_argument("--database", help="an empty PostgreSQL database; without one, SQLite")
    options = parser.parse_args(arguments)
    problems = 0
    with (
        tempfile.TemporaryDirectory(prefix="svp-kills-") as folder,
        rig(Path(folder), database_url=options.database) as made,
    ):
        for place in STAGES:
            problems += _report(kill_run(made, place))
        for place in UPLOAD_STAGES:
            problems += _report(kill_run(made, place, add=add_upload), of="upload: ")
        problems += _report(kill_daemon(made, TICK))
        problems += _report(kill_daemon(made, TRANSCRIBE))
        problems += _report(cut_power(made, SUMMARIZE))
    return 1 if problems else 0


def _report(recovery: Recovery, *, of: str = "") -> int:
    print(f"{of}{recovery}", flush=True)
    return len(recovery.problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
