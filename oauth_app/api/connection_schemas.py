"""What the API says of a connection."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field

from svp_dagster.errors import Code
from svp_dagster.models import Value
from svp_dagster.rows.spending.caps import Spending
from svp_dagster.store.connections import Connection


class ConnectionAnswer(Value):
    """The connection that a request speaks for."""

    id: str
    name: str = Field(description="What its owner knows it by: the workspace's name, or “Your library” without Notion.")
    has_notion: bool = Field(description="Whether Notion is connected. Without it, workspace and databases are empty.")
    workspace_id: str
    workspace_name: str
    output_language: str
    trusted: bool = Field(description="By the operator. A connection that isn't has a cap for new ones.")
    monthly_budget_usd: float | None = Field(description="The owner's own cap.")
    monthly_cap_usd: float | None = Field(
        description="The smallest cap on this connection alone, its owner's or the operator's."
    )
    spent_usd: float = Field(description="What was paid this month (UTC), calls of unknown price aside.")
    calls_of_unknown_price: int
    budget_used_up: Code | None = Field(description="The error that links wait with, where a cap is used up.")

    @classmethod
    def of(cls, connection: Connection, spending: Spending) -> Self:
        """The public side of a connection."""
        same = ("id", "name", "has_notion", "workspace_id", "workspace_name", "output_language", "trusted")
        return cls(
            monthly_budget_usd=connection.monthly_budget_usd,
            monthly_cap_usd=spending.cap.usd if spending.cap else None,
            spent_usd=spending.spent.usd,
            calls_of_unknown_price=spending.spent.calls_of_unknown_price,
            budget_used_up=spending.used_up.code if spending.used_up else None,
            **{name: getattr(connection, name) for name in same},
        )


class NotionLinkAnswer(Value):
    """Where to connect Notion, and until when."""

    url: str = Field(description="Open it in the person's browser. It works once.")
    expires_at: datetime
