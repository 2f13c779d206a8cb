"""Which sites are downloaded from, and when one of them is paused."""

from __future__ import annotations

import dagster as dg
from pydantic import Field


class SiteRules(dg.ConfigurableResource):
    """The operator's decisions about sites as a whole."""

    rows_to_pause: int = Field(default=5, ge=1, description="How many failing rows in a row pause their platform.")
    canaries: dict[str, str] = Field(default={}, description="Canary link of a platform, by its name.")
    extra_hosts: list[str] = Field(default=[], description="More sites of yt-dlp that are allowed, e.g. youtube.com.")
