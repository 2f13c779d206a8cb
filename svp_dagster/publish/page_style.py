"""What is put on a content page."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from svp_dagster.publish.body import Appearance, BlockBudget


class PageStyle(dg.ConfigurableResource):
    """Settings of the body and the extras of a content page."""

    block_budget: str = Field(default="compact", description="properties_only, compact (10 blocks at most) or full.")
    cover: bool = Field(default=True, description="Upload the thumbnail, or else a frame, as the page's cover.")
    subtitle_files: bool = Field(default=True, description="Attach the transcript as WebVTT and SubRip files.")
    chapters: bool = Field(default=True, description="List the chapters of videos of five minutes and more.")
    video_facts: bool = Field(default=True, description="Tell the video's uploader, date, duration, size and codec.")

    @property
    def appearance(self) -> Appearance:
        """The settings as a value."""
        return Appearance(
            block_budget=BlockBudget(self.block_budget),
            cover=self.cover,
            subtitle_files=self.subtitle_files,
            chapters=self.chapters,
            video_facts=self.video_facts,
        )
