"""The resources of the code location, made of the settings of the process that uses them.

None takes configuration: a run's config can't give one another address, limit or key, or have one read a variable of
the environment. Each is made anew for a run or a tick. Dagster never sees what it is made of.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Protocol, TypeVar

import dagster as dg

from svp_dagster import engines
from svp_dagster.alerts.channels import alert_channels
from svp_dagster.alerts.rules import alert_rules
from svp_dagster.defs.housekeeping.schedules import retention
from svp_dagster.defs.values import stage_values
from svp_dagster.defs.work_folder import work_folder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.rows.link_rows import link_rows
from svp_dagster.rows.polling_rules import polling_rules
from svp_dagster.rows.site_rules import site_rules
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage


class Closable(Protocol):
    """What has to be closed after its use."""

    def close(self) -> None:
        """Release what it holds."""


C = TypeVar("C", bound=Closable)


@dg.definitions
def resources() -> dg.Definitions:
    """Define every resource by the name under which ops and sensors require it."""
    settings = Settings()
    return dg.Definitions(
        resources={
            "io_manager": stage_values,
            "link_rows": _closed_after_use(lambda: link_rows(settings)),
            "page_options": _made(lambda: settings.page_options),
            "polling_rules": _made(lambda: polling_rules(settings)),
            "site_rules": _made(lambda: site_rules(settings)),
            "kept_media": _made(lambda: _kept_media(settings)),
            "alert_channels": _made(lambda: alert_channels(settings)),
            "alert_rules": _made(lambda: alert_rules(settings)),
            "retention": _made(lambda: retention(settings)),
            "work_folder": work_folder(settings),
            "downloader": _made(lambda: engines.downloader(settings)),
            "speech": _made(lambda: engines.speech(settings)),
            "screen_reader": _made(lambda: engines.screen_reader(settings)),
            "summarizer": _made(lambda: engines.summarizer(settings)),
        }
    )


def _made(make: Callable[[], Any]) -> dg.ResourceDefinition:
    """Return the resource that `make` makes."""
    return dg.ResourceDefinition(lambda _context: make(), config_schema={})


def _closed_after_use(make: Callable[[], C]) -> dg.ResourceDefinition:
    """Return the resource that `make` makes. It is closed at the end of the run or tick."""

    def provide(_context: dg.InitResourceContext) -> Iterator[C]:
        with closing(make()) as made:
            yield made

    return dg.ResourceDefinition(provide, config_schema={})


def _kept_media(settings: Settings) -> KeptMedia:
    return KeptMedia(storage=storage(settings), hours=settings.media_kept_hours, max_bytes=settings.media_kept_bytes)
