"""The resources of the code location, bound to this installation's settings."""

import dagster as dg

from svp_dagster.defs.retention import Retention
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.engines import choose_engines
from svp_dagster.notion.client.oauth import NotionOAuth
from svp_dagster.notion.client.workspace import NotionResource
from svp_dagster.publish.page_style import PageStyle
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.platform_rules import PlatformRules
from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.settings import Settings


@dg.definitions
def resources() -> dg.Definitions:
    """Every resource by the name under which ops and sensors ask for it."""
    settings = Settings()
    link_rows = LinkRows(
        tokens=TokenStore(oauth=NotionOAuth(base_url=settings.notion_base_url)),
        notion=NotionResource(base_url=settings.notion_base_url),
        monthly_budget_usd=settings.monthly_budget_usd,
        prices_file=str(settings.prices_file or ""),
    )
    return dg.Definitions(
        resources={
            # The steps of a run share a process: nothing is written between them.
            "io_manager": dg.mem_io_manager,
            "link_rows": link_rows,
            "page_style": PageStyle(
                block_budget=settings.block_budget,
                cover=settings.page_cover,
                subtitle_files=settings.page_subtitle_files,
                chapters=settings.page_chapters,
                video_facts=settings.page_video_facts,
            ),
            "polling_rules": PollingRules(interval_s=settings.poll_interval_s),
            "platform_rules": PlatformRules(
                rows_to_pause=settings.rows_to_pause,
                canaries={"tiktok": settings.canary_tiktok, "instagram": settings.canary_instagram},
                extra_hosts=settings.extra_hosts,
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
