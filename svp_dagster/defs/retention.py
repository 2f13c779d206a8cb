"""How long what is finished is kept where it slows things down."""

from __future__ import annotations

from pydantic import Field

from svp_dagster.component import Component
from svp_dagster.settings import Settings


class Retention(Component):
    """Ages in days. The store's history of rows and costs stays for good."""

    partitions_kept_days: int = Field(default=14, ge=1, description="Dagster's partitions of finished rows.")
    runs_kept_days: int = Field(default=30, ge=1, description="Dagster's finished runs.")
    contents_kept_days: int = Field(default=365, ge=1, description="Results by content.")


def retention(settings: Settings) -> Retention:
    """Return the ages of this installation."""
    return Retention(
        partitions_kept_days=settings.partitions_kept_days,
        runs_kept_days=settings.runs_kept_days,
        contents_kept_days=settings.contents_kept_days,
    )
