"""How much is put on a content page."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from svp_dagster.notion.body import BlockBudget


class PageStyle(dg.ConfigurableResource):
    """Settings of the body and the extras of a content page."""

    block_budget: str = Field(default="compact", description="properties_only, compact (10 blocks at most) or full.")
    cover: bool = Field(default=True, description="Upload the thumbnail as the page's cover.")

    @property
    def budget(self) -> BlockBudget:
        """The block budget as a value."""
        return BlockBudget(self.block_budget)
