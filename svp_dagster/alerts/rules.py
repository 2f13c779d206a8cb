"""What alerts need to know of the settings."""

from __future__ import annotations

from datetime import timedelta

from svp_dagster.component import Component
from svp_dagster.settings import Settings


class AlertRules(Component):
    """Where the links of alerts lead, and after how long rows wait too long."""

    app_url: str
    dagster_url: str
    late_after: timedelta

    @property
    def operator_page(self) -> str:
        """The app's page that shows what is wrong."""
        return f"{self.app_url.rstrip('/')}/operator"

    def run(self, run_id: str) -> str:
        """Return a run's page in the Dagster UI."""
        return f"{self.dagster_url.rstrip('/')}/runs/{run_id}"


def alert_rules(settings: Settings) -> AlertRules:
    """Return the rules of this installation."""
    return AlertRules(
        app_url=settings.app_url,
        dagster_url=settings.dagster_address,
        late_after=timedelta(minutes=settings.alert_after_minutes),
    )
