"""How long what is finished is kept where it slows things down."""

from __future__ import annotations

import dagster as dg
from pydantic import Field


class Retention(dg.ConfigurableResource):
    """Ages in days. The store's history of rows and costs stays for good."""

    partitions_kept_days: int = Field(default=14, ge=1, description="Dagster's partitions of finished rows.")
    runs_kept_days: int = Field(default=30, ge=1, description="Dagster's finished runs.")
    contents_kept_days: int = Field(default=365, ge=1, description="Results by content.")
