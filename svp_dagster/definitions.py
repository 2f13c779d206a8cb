"""What Dagster loads."""

import dagster as dg

import svp_dagster.defs as package
from svp_dagster.defs import assets, resources
from svp_dagster.defs.polling import sensors
from svp_dagster.defs.watch import log


@dg.definitions
def defs() -> dg.Definitions:
    """Return everything in `defs/`.

    Each run's process does this. `load_from_defs_folder` would take ten times longer: it also describes the components
    of every installed package.
    """
    found = dg.load_definitions_from_package_module(package)
    return dg.Definitions.merge(found, assets.assets(), resources.resources(), sensors.pending_links(), log.log())
