"""The resources of the code location, bound to this installation's settings."""

import dagster as dg

from svp_dagster.defs.retention import Retention
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.engines import choose_engines
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.rows.site_rules import site_rules
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.settings import Settings


@dg.definitions
def resources() -> dg.Definitions:
    """Define every resource by the name under which ops and sensors require it."""
    settings = Settings()
    link_rows = LinkRows(
        tokens=TokenStore(),
        notion=NotionResource(base_url=settings.notion_base_url),
        monthly_budget_usd=settings.monthly_budget_usd,
        output_language=settings.output_language,
        prices_file=str(settings.prices_file or ""),
    )
    return dg.Definitions(
        resources={
            # The steps of a run share a process: nothing is written between them.
            "io_manager": dg.mem_io_manager,
            "link_rows": link_rows,
            "page_options": settings.page_options,
            "polling_rules": PollingRules(
                interval_s=settings.poll_interval_s, runs_per_connection=settings.runs_per_connection
            ),
            "site_rules": site_rules(settings),
            "kept_media": KeptMedia(
                folder=str(settings.media_folder),
                hours=settings.media_kept_hours,
                max_bytes=settings.media_kept_bytes,
            ),
            "retention": Retention(
                partitions_kept_days=settings.partitions_kept_days,
                runs_kept_days=settings.runs_kept_days,
                contents_kept_days=settings.contents_kept_days,
            ),
            "work_folder": WorkFolder(root=str(settings.work_folder)),
            **choose_engines(settings),
        }
    )
