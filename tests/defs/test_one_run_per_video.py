"""Nobody pays for a video while another row's run is about to: runs of one video come one after the other."""

from __future__ import annotations

import dagster as dg
import yaml

from svp_dagster.commands.processes import PROJECT
from svp_dagster.defs.run_queue.tags import row_tags
from svp_dagster.defs.runs import VIDEO_TAG
from tests.defs.installation import Installation

pytest_plugins = ("tests.media_site",)


def test_rows_with_the_same_video_are_known_by_the_same_tag_however_its_link_is_written(
    installation: Installation,
) -> None:
    same = [
        "https://www.instagram.com/reel/DOpancakes1/?igsh=MzRlODBiNWFlZA==",
        "https://instagram.com/slow.sunday/p/DOpancakes1",
    ]
    other = "https://www.tiktok.com/@porto.finds/video/7512345678901234502"
    for link in (*same, other):
        installation.add_row(link, "cooking")

    result = installation.tick()

    assert isinstance(result, dg.SensorResult)
    started = installation.store.entries.of_partitions(each.partition_key or "" for each in result.run_requests or [])
    tags = [row_tags(entry, app_url="")[VIDEO_TAG] for entry in started.values()]
    assert len(tags) == 3
    assert sorted(set(tags)) == ["instagram DOpancakes1", "tiktok 7512345678901234502"]


def test_dagster_runs_one_of_them_at_a_time() -> None:
    concurrency = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["concurrency"]
    limits = {limit["key"]: limit for limit in concurrency["runs"]["tag_concurrency_limits"]}

    assert limits[VIDEO_TAG]["limit"] == 1
    assert limits[VIDEO_TAG]["value"] == {"applyLimitPerUniqueValue": True}
