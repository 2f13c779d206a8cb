"""Tries paused platforms with canaries, links that should work, until they work again.

The canaries are a run of their own and download whole posts, as a row's would: what breaks is as often the media as
the page, and a sensor's tick may not last as long as a download.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from svp_dagster import pools
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.stage import download
from svp_dagster.errors import Code
from svp_dagster.ports import Downloader
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.pauses import SITE_FAULTS, choose_canaries, try_canaries
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.installation.platforms import Platform

LINKS_OF_A_CONNECTION = 3
"""How many links that worked, and how many that wait, of each connection are candidates for a canary."""
LINKS_OF_LATE = timedelta(days=30)
"""Posts that worked longer ago may be gone, and looking among all that ever did takes long."""


# A plain string: a field of `dg.Config` would take `{"env": NAME}` for the value of a variable.
@dg.op(
    pool=pools.DOWNLOAD,
    config_schema={"platform": str},
    description="Download up to three posts of the platform named in the config that should work. If enough do, resume "
    "the platform, and its rows go on. Nothing happens to a platform that isn't paused.",
)
def download_canary(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    downloader: dg.ResourceParam[Downloader],
    work_folder: dg.ResourceParam[WorkFolder],
    site_rules: dg.ResourceParam[SiteRules],
) -> None:
    """Download links that should work. If enough do, resume the platform."""
    store = link_rows.store
    platform = store.platforms.get(context.op_config["platform"])
    if platform is None or not platform.is_paused:
        return
    codes = SITE_FAULTS | {Code.PLATFORM_PAUSED}
    since = datetime.now(UTC) - LINKS_OF_LATE
    known = store.sweep.links_of_each(platform.name, codes, since=since, limit=LINKS_OF_A_CONNECTION)
    canaries = choose_canaries(platform, known=known, rules=site_rules)
    pace = SitePace(store, site_rules).of_row("", "canary")
    fetch = partial(download, downloader=downloader, folder=work_folder.path, browsers=store.platforms, pace=pace)
    left = try_canaries(store, platform.name, canaries, fetch=fetch)
    context.log.info("%s: %s", left.name, left.canary_problem or "works again")
    if not left.is_paused:
        store.databases.poll_all_now(now=datetime.now(UTC))


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"dagster/priority": "10", "dagster/max_runtime": "900", "dagster/max_retries": "0"},
    description="Find out whether a paused platform works again. Launch it by hand after an update of yt-dlp, with the "
    "platform's name, such as tiktok, in the config of `download_canary`, to not wait for the next canary.",
)
def canary() -> None:
    """Find out whether a paused platform works again."""
    download_canary()


@dg.sensor(
    job=canary,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Start a run of `canary` for each paused platform that is due. A tick names the paused platforms and "
    "their next canaries. Stop it to keep a platform paused.",
)
def paused_platforms(
    context: dg.SensorEvaluationContext, link_rows: dg.ResourceParam[LinkRows]
) -> dg.SensorResult | dg.SkipReason:
    """Start the canaries of paused platforms that are due."""
    paused = [platform for platform in link_rows.store.platforms.all().values() if platform.is_paused]
    for platform in paused:
        context.log.warning("downloads from %s are paused: %s", platform.name, platform.failure_code)
    due = link_rows.store.platforms.begin_canaries(now=datetime.now(UTC))
    if not due:
        names = ", ".join(f"{platform.name} (next canary at {platform.canary_at})" for platform in paused)
        return dg.SkipReason(f"Paused: {names}" if names else "No platform is paused.")
    return dg.SensorResult(run_requests=[_run_request(platform) for platform in due])


def _run_request(platform: Platform) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{platform.name}:{platform.paused_since}:{platform.canaries}",
        run_config={"ops": {"download_canary": {"config": {"platform": platform.name}}}},
    )
