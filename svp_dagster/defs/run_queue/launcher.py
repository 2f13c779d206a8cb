"""Dagster's launcher of runs as processes of a code server, which says for each run whose process it is.

Dagster (1.13) doesn't notice that such a process is gone: `DefaultRunLauncher` has no health check
(`supports_check_run_worker_health`). So whoever starts the code server again has to end the runs that were cut off, and
has to tell them from those of other installations on the same database (svp_dagster/commands/up.py).
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from svp_dagster.environment.run_owner import OWNER_TAG, run_owner
from svp_dagster.settings import Settings


class OwnedRunLauncher(dg.DefaultRunLauncher):
    """Dagster's own launcher, for runs that carry their owner as a tag."""

    def launch_run(self, context: Any) -> None:
        """Tag and launch a run."""
        run_id = context.dagster_run.run_id
        self._instance.add_run_tags(run_id, {OWNER_TAG: run_owner(Settings().home, run_id)})
        super().launch_run(context)
