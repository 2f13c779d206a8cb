"""The further sensors that poll Link Databases, where one isn't enough (`SVP_POLL_SENSORS`)."""

import dagster as dg

from svp_dagster.defs.sensors import pending_links_sensor
from svp_dagster.settings import Settings


@dg.definitions
def more_sensors() -> dg.Definitions:
    """Define `pending_links_2` and so on."""
    numbers = range(2, Settings().poll_sensors + 1)
    return dg.Definitions(sensors=[pending_links_sensor(number) for number in numbers])
