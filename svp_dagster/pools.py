"""Dagster's concurrency pools: each bounds how many runs use one outside service at a time (see `dagster.yaml`)."""

from __future__ import annotations

from typing import Final

DOWNLOAD: Final = "download"
SPEECH: Final = "speech"
SCREEN: Final = "screen"
SUMMARY: Final = "summary"

POOLS: Final = (DOWNLOAD, SPEECH, SCREEN, SUMMARY)
