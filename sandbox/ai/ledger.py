"""What the real services would have charged for."""

import threading
from collections import defaultdict


class Ledger:
    """Counts the paid calls that were carried out, their answers lost or not; thread-safe.

    A refused request costs nothing and is not counted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, dict[str, float]] = {}

    # Assumed: a call is charged once it is carried out, though its answer is lost, and a refused one is free. If wrong:
    # an operator pays a little more or less than is shown. Check: none.
    def bill(self, service: str, **units: float) -> None:
        """Adds one call with its units, e.g. `bill("vision", images=3)`."""
        with self._lock:
            totals = self._totals.setdefault(service, defaultdict(float))
            totals["calls"] += 1
            for unit, amount in units.items():
                totals[unit] += amount

    def totals(self) -> dict[str, dict[str, float]]:
        """`{"openai": {"calls": 1, "audio_s": 12.4}, …}`, a service without calls left out."""
        with self._lock:
            return {service: dict(totals) for service, totals in self._totals.items()}

    def clear(self) -> None:
        """Starts again at nothing."""
        with self._lock:
            self._totals.clear()
