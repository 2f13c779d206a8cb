"""The log of the processes that load the code location: its code servers and runs."""

import dagster as dg

from svp_dagster.settings import Settings
from svp_dagster.telemetry.logs import set_up_code_location


@dg.definitions
def log() -> dg.Definitions:
    """Set up the log. It adds nothing to the code location."""
    set_up_code_location(Settings())
    return dg.Definitions()
