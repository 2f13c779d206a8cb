"""`svp doctor` on alerts to the operator: whether they go anywhere, and, when asked, whether they get there."""

from __future__ import annotations

from svp_dagster.alerts.channels import alert_channels
from svp_dagster.commands.findings import Finding
from svp_dagster.settings import Settings

_SUBJECT = "Alerts"


def alerts(settings: Settings) -> Finding:
    """Check the addresses without sending anything."""
    channels = alert_channels(settings)
    if not channels.is_set:
        words = "no SVP_ALERT_URLS: nobody is told of a rejected key or a paused site"
        return Finding(subject=_SUBJECT, state="missing", words=words)
    if channels.problem:
        return Finding(subject=_SUBJECT, state="wrong", words=channels.problem)
    return Finding(subject=_SUBJECT, state="ok", words="set; `svp doctor --alert` sends one")


def send_test_alert(settings: Settings) -> Finding:
    """Send an alert that says that it is a test."""
    finding = alerts(settings)
    if finding.state != "ok":
        return finding
    text = f"This is a test, sent by `svp doctor --alert`. Alerts look like this.\n{settings.app_url}"
    delivery = alert_channels(settings).send(title="Social Video Processor: test", text=text)
    taken = f"taken by {', '.join(delivery.taken)}" if delivery.taken else ""
    refused = (
        f"not taken by {', '.join(delivery.refused)}: check the address and the network" if delivery.refused else ""
    )
    words = "; ".join(part for part in (taken, refused) if part)
    return Finding(subject="Test alert", state="wrong" if refused else "ok", words=words)
