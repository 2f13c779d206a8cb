"""The freshness of pages: whether rows wait for too long while no page is made.

A page is made on demand, so its age says nothing: without new links all pages are old. Rows that wait while no other
is completed are what isn't fresh. A sensor looks every minute, since a run would cost a hundred times as much, and
reports the result as an asset check whenever it changes. The check can be executed by hand too.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from svp_dagster.alerts.channels import AlertChannels
from svp_dagster.alerts.rules import AlertRules
from svp_dagster.errors import BUDGET_CODES, Code
from svp_dagster.models import Value
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.store.store import Store

CAUSE = "no new pages"
CONTENT_PAGE = dg.AssetKey("content_page")
CHECK = "freshness"
CHECK_KEY = dg.AssetCheckKey(CONTENT_PAGE, CHECK)
GAP = timedelta(minutes=10)
"""Ticks that are further apart were interrupted: the daemon was stopped, or the machine slept."""

ALLOWED_TO_WAIT = BUDGET_CODES | {
    Code.PLATFORM_PAUSED,
    Code.WAITS_TURN,
    Code.RATE_LIMITED,
    Code.ROW_CHANGED,
    Code.POST_UNAVAILABLE,
    Code.BLOCKED_OR_REGION,
    Code.ADDRESS_BLOCKED,
    Code.ROBOT_SUSPECTED,
    Code.SITE_CHANGED,
}
"""What rows may wait for: a post, a turn, money, or a site, which has alerts of its own."""


class Freshness(Value):
    """How many rows wait too long, since when the first does, and when the last page was made."""

    late: int
    late_since: datetime | None
    last_page_at: datetime | None
    is_fresh: bool

    @property
    def sentence(self) -> str:
        """What the operator reads."""
        last = self.last_page_at
        made = f"The last page was made at {last:%Y-%m-%d %H:%M} UTC." if last else "No page was made yet."
        if self.late_since is None:
            return f"No row waits too long. {made}"
        rows = f"{self.late} {'row waits' if self.late == 1 else 'rows wait'}"
        return f"{rows}, the first since {self.late_since:%Y-%m-%d %H:%M} UTC. {made}"


def freshness(store: Store, rules: AlertRules, *, now: datetime) -> Freshness:
    """Return how fresh pages are."""
    before = now - rules.late_after
    late, late_since = store.sweep.late(before=before, apart_from=ALLOWED_TO_WAIT)
    last_page_at = store.sweep.last_completed_at()
    is_moving = last_page_at is not None and last_page_at >= before
    return Freshness(late=late, late_since=late_since, last_page_at=last_page_at, is_fresh=not late or is_moving)


@dg.asset_check(
    asset=CONTENT_PAGE,
    name=CHECK_KEY.name,
    description="Fails while rows wait for longer than SVP_ALERT_AFTER_MINUTES and no page is made. Execute it to look "
    "at once. If it fails, look at the runs that failed last and at the app's operator page.",
)
def page_freshness_check(
    link_rows: dg.ResourceParam[LinkRows], alert_rules: dg.ResourceParam[AlertRules]
) -> dg.AssetCheckResult:
    """Look at once."""
    found = freshness(link_rows.store, alert_rules, now=datetime.now(UTC))
    return dg.AssetCheckResult(passed=found.is_fresh, description=found.sentence, metadata=_metadata(found))


class Watch(Value):
    """What the sensor's ticks saw, as its cursor keeps it. `began_at` is since when they came without a gap."""

    began_at: datetime
    seen_at: datetime
    is_fresh: bool
    changed_at: datetime


def watch(before: Watch | None, found: Freshness, *, late_after: timedelta, now: datetime) -> Watch:
    """Return what is known after this tick.

    Rows that waited while the machine was off or asleep wait for nothing else: they are late only when they still wait
    after `late_after` of watching.
    """
    began_at = before.began_at if before and now - before.seen_at < GAP else now
    was_fresh = before is None or before.is_fresh
    is_fresh = found.is_fresh or (was_fresh and now - began_at < late_after)
    is_same = before is not None and before.is_fresh == is_fresh
    changed_at = before.changed_at if before and is_same else now
    return Watch(began_at=began_at, seen_at=now, is_fresh=is_fresh, changed_at=changed_at)


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watch whether rows wait too long while no page is made, report changes as the check `freshness` of "
    "content_page, and note an alert for `operator_alerts` to send. A tick says how many rows wait, and since when.",
)
def page_freshness(
    context: dg.SensorEvaluationContext,
    link_rows: dg.ResourceParam[LinkRows],
    alert_channels: dg.ResourceParam[AlertChannels],
    alert_rules: dg.ResourceParam[AlertRules],
) -> dg.SensorResult:
    """Report whether pages are fresh whenever that changes."""
    now, store = datetime.now(UTC), link_rows.store
    found = freshness(store, alert_rules, now=now)
    before = Watch.model_validate_json(context.cursor) if context.cursor else None
    after = watch(before, found, late_after=alert_rules.late_after, now=now)
    if not after.is_fresh and alert_channels.is_set:
        store.alerts.record(CAUSE, sentence=found.sentence, link=alert_rules.operator_page, at=after.changed_at)
    is_news = before is None or before.is_fresh != after.is_fresh
    return dg.SensorResult(
        skip_reason=found.sentence,
        asset_events=[_evaluation(found, is_fresh=after.is_fresh)] if is_news else [],
        cursor=after.model_dump_json(),
    )


def _evaluation(found: Freshness, *, is_fresh: bool) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=CONTENT_PAGE,
        check_name=CHECK_KEY.name,
        passed=is_fresh,
        description=found.sentence,
        metadata=_metadata(found),
    )


def _metadata(found: Freshness) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {"rows": dg.MetadataValue.int(found.late)}
    for name, at in (("first_since", found.late_since), ("last_page_at", found.last_page_at)):
        if at is not None:
            metadata[name] = dg.MetadataValue.timestamp(at)
    return metadata
