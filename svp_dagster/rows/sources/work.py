"""Waiting for something to do, so that what a person asks for begins at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from svp_dagster.store.polling.parts import Part
from svp_dagster.store.store import Store
from svp_dagster.store.sweep import DirectMark

LOOK_S = 0.3
"""How often the store is asked: two queries by index, a thousandth of a second of work."""


def wait_for_work(store: Store, *, part: Part, direct_mark: DirectMark, limit_s: float) -> bool:
    """Wait until a Link Database is due, or the direct entries differ from `direct_mark`. Return False at the limit.

    `limit_s` may be negative: then nothing is waited for.
    """
    give_up_at_s = time.monotonic() + limit_s
    while (left_s := give_up_at_s - time.monotonic()) > 0:
        now = datetime.now(UTC)
        if (
            store.databases.due(now=now, limit=1, part=part)
            or store.sweep.direct_mark(now=now, part=part) != direct_mark
        ):
            return True
        time.sleep(min(LOOK_S, left_s))
    return False
