"""Sends the alerts that were noted. Nothing else waits for it, and what can't be delivered is tried again later."""

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import dagster as dg

from svp_dagster.alerts.channels import AlertChannels
from svp_dagster.alerts.rules import AlertRules
from svp_dagster.errors import TABLE
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pauses import name_of
from svp_dagster.store.installation.alerts import Alert
from svp_dagster.store.store import Store

BUDGET_S = 20.0
"""A tick begins no delivery after so long. With the last one it takes half of the 60 seconds that Dagster allows."""


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Send the alerts that are due to SVP_ALERT_URLS, one per cause and hour at most: failed runs, "
    "paused platforms, rows that wait too long. Stop it to get none for a while; they are sent once you start it.",
)
def operator_alerts(
    context: dg.SensorEvaluationContext,
    link_rows: dg.ResourceParam[LinkRows],
    alert_channels: dg.ResourceParam[AlertChannels],
    alert_rules: dg.ResourceParam[AlertRules],
) -> dg.SkipReason:
    """Note paused platforms, and send what is due. After one that nobody took, the rest is left to the next tick."""
    if not alert_channels.is_set:
        return dg.SkipReason("SVP_ALERT_URLS is not set, so nobody is alerted.")
    store = link_rows.store
    note_pauses(store, alert_rules)
    ends_at, sent = time.monotonic() + BUDGET_S, 0
    while time.monotonic() < ends_at and (alert := store.alerts.begin_next(now=datetime.now(UTC))):
        if not _send(context, store, alert, channels=alert_channels, rules=alert_rules):
            break
        sent += 1
    return dg.SkipReason(f"{sent} alerts were sent.")


def note_pauses(store: Store, rules: AlertRules) -> None:
    """Record an alert for each paused platform, once for a pause."""
    for platform in store.platforms.all().values():
        if platform.paused_since is None:
            continue
        reason = f": {TABLE[platform.failure_code].sentence}" if platform.failure_code else "."
        sentence = f"Downloads from {name_of(platform.name)} are paused{reason}"
        cause = f"paused {platform.name}"
        store.alerts.record(cause, sentence=sentence, link=rules.operator_page, at=platform.paused_since)


def _send(
    context: dg.SensorEvaluationContext, store: Store, alert: Alert, *, channels: AlertChannels, rules: AlertRules
) -> bool:
    """Send an alert. Return whether it was delivered. The log says it once of each that isn't."""
    delivery = channels.send(title=title_of(alert, rules), text=text_of(alert))
    if delivery.is_delivered:
        store.alerts.sent(alert, now=datetime.now(UTC))
    if delivery.refused and alert.tries == 1:
        names = ", ".join(delivery.refused)
        context.log.warning("the alert “%s” was not taken by %s; try `svp doctor --alert`", alert.cause, names)
    elif not delivery.is_delivered and alert.tries == 1:
        context.log.warning("the alert “%s” has nowhere to go: %s", alert.cause, channels.problem)
    return delivery.is_delivered


def title_of(alert: Alert, rules: AlertRules) -> str:
    """Return the title of a message: which installation, and the cause."""
    return f"Social Video Processor at {urlsplit(rules.app_url).hostname}: {alert.cause}"


def text_of(alert: Alert) -> str:
    """Return the text of a message: what happened, how often and when, and where to look."""
    first, last = (f"{at:%Y-%m-%d %H:%M} UTC" for at in (alert.first_at, alert.last_at))
    times = f"At {last}." if alert.count == 1 else f"{alert.count} times since {first}, the last at {last}."
    return f"{alert.sentence}\n{times}\n{alert.link}"
