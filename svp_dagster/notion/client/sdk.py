"""The SDK's client, as everything here uses it: with timeouts, without retries and without logs of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from svp_dagster.bounded_http import bounded

if TYPE_CHECKING:
    from notion_client import Client

NOTION_VERSION = "2026-03-11"

MOST_CONNECTIONS = 128
"""As many as the sensor has workers: with fewer these wait for each other, or open a new one for each query."""


def open_client(*, base_url: str, timeout_s: float) -> Client:
    """Open a client without credentials: each request brings its own. The caller closes it.

    The SDK's retries are off, since it repeats what it shouldn't wait for and gives up on what it should.
    """
    import httpx
    from notion_client import Client

    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
    return Client(
        client=httpx.Client(limits=limits, **bounded("notion")),
        base_url=base_url.rstrip("/"),
        notion_version=NOTION_VERSION,
        timeout_ms=round(timeout_s * 1000),
        retry=False,
        # Without a logger of ours each client adds one more handler to the SDK's, which prints every refusal.
        logger=logging.getLogger(__name__),
        log_level=logging.ERROR,
    )
