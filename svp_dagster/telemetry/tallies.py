"""Counts and histograms of this process, which `store.installation.tallies` adds to those of the installation.

A run lasts a minute, so nobody could scrape it. It adds what it counted to the store, and the app shows the sums.

Labels have few values each, all of them ours or the operator's. A tag is never one: people write them freely, and every
new one would be a new series for good.
"""

from __future__ import annotations

from threading import Lock
from typing import Final, NamedTuple

CALL_BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
STAGE_BOUNDS_S: Final = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
TICK_BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)

ROWS: Final = "svp_rows_total"
ROW_SECONDS: Final = "svp_row_seconds"
RUN_SECONDS: Final = "svp_run_seconds"
STAGE_SECONDS: Final = "svp_stage_seconds"
CALL_SECONDS: Final = "svp_call_seconds"
TICK_SECONDS: Final = "svp_tick_seconds"
PAID_USD: Final = "svp_paid_usd_total"
USED_UNITS: Final = "svp_used_units_total"

BOUNDS: Final = {
    ROW_SECONDS: STAGE_BOUNDS_S,
    RUN_SECONDS: STAGE_BOUNDS_S,
    STAGE_SECONDS: STAGE_BOUNDS_S,
    CALL_SECONDS: CALL_BOUNDS_S,
    TICK_SECONDS: TICK_BOUNDS_S,
}
"""The upper bounds of the buckets of each histogram."""

SUM, BUCKET = "_sum", "_bucket"
MAX_LABEL_CHARACTERS = 60


class Series(NamedTuple):
    """One number. A histogram is several: one for each bucket, and the sum. Buckets don't hold each other here."""

    name: str
    labels: tuple[tuple[str, str], ...]


class Tallies:
    """Numbers that only grow. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[Series, float] = {}

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Add to a count."""
        self._add(_series(name, labels), value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a histogram."""
        bound = next((f"{bound:g}" for bound in BOUNDS[name] if value <= bound), "+Inf")
        self._add(_series(name + BUCKET, {**labels, "le": bound}), 1)
        self._add(_series(name + SUM, labels), value)

    def take(self) -> dict[Series, float]:
        """Return what was counted since the last time."""
        with self._lock:
            taken, self._values = self._values, {}
        return taken

    def put_back(self, taken: dict[Series, float]) -> None:
        """Add again what was taken and could not be stored."""
        for series, value in taken.items():
            self._add(series, value)

    def _add(self, series: Series, value: float) -> None:
        with self._lock:
            self._values[series] = self._values.get(series, 0) + value


tallies = Tallies()
"""Those of this process."""


def _series(name: str, labels: dict[str, str]) -> Series:
    return Series(name, tuple(sorted((label, value[:MAX_LABEL_CHARACTERS]) for label, value in labels.items())))
