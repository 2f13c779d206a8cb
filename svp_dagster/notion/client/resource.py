"""Notion's API with one HTTP client for all connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from svp_dagster.component import Component
from svp_dagster.notion.client.http import Calls, RetryConfig, Tokens
from svp_dagster.notion.client.sdk import open_client
from svp_dagster.notion.client.throttle import throttle_gate
from svp_dagster.notion.client.workspace import Workspace

if TYPE_CHECKING:
    from notion_client import Client


class NotionResource(Component):
    """Notion's API, for any number of connections."""

    base_url: str = Field(default="https://api.notion.com", description="Address of the API, without /v1.")
    timeout_s: float = Field(default=30.0, gt=0, description="Longest wait for the next bytes of a response.")
    attempts: int = Field(default=4, ge=1, description="How often a call is tried in an outage.")
    backoff_s: float = Field(default=0.5, ge=0, description="Wait after the first attempt, doubled after each.")
    max_throttle_wait_s: float = Field(
        default=60.0, ge=0, description="Longest wait in all where Notion asks to slow down."
    )

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _client: Client | None = PrivateAttr(default=None)

    def workspace(
        self,
        connection_id: str,
        tokens: Tokens,
        *,
        max_throttle_wait_s: float | None = None,
        spacing_s: float = 0.0,
    ) -> Workspace:
        """Return Notion as this connection may see it.

        With `max_throttle_wait_s=0` a call is postponed at once while Notion asks the connection to slow down, for
        work that gives way to other work. `spacing_s` is a pause before each call, for work with many calls that must
        leave other work its part of what Notion allows the connection.
        """
        calls = self.calls(connection_id, tokens, max_throttle_wait_s=max_throttle_wait_s, spacing_s=spacing_s)
        return Workspace(calls, connection_id=connection_id)

    def calls(
        self,
        connection_id: str,
        tokens: Tokens,
        *,
        max_throttle_wait_s: float | None = None,
        spacing_s: float = 0.0,
    ) -> Calls:
        """Return the calls behind `workspace`."""
        retries = RetryConfig(
            attempts=self.attempts,
            backoff_s=self.backoff_s,
            max_throttle_wait_s=self.max_throttle_wait_s if max_throttle_wait_s is None else max_throttle_wait_s,
        )
        gate = throttle_gate(self.base_url, connection_id)
        return Calls(
            self._open(),
            connection_id=connection_id,
            tokens=tokens,
            gate=gate,
            retries=retries,
            spacing_s=spacing_s,
        )

    def close(self) -> None:
        """Close the client; workspaces made before can't be used any more."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _open(self) -> Client:
        """Return the one client of all workspaces."""
        with self._lock:
            if self._client is None:
                self._client = open_client(base_url=self.base_url, timeout_s=self.timeout_s)
            return self._client
