"""The store and the tokens in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from pydantic import Field

from svp_dagster import unknown_answers
from svp_dagster.component import Component
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.notion.client.failures import CREDENTIAL_VARIABLES
from svp_dagster.notion.client.oauth import NotionOAuth
from svp_dagster.rows.unknown_answers import StoredUnknownAnswers
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.store import Store, open_store

logger = logging.getLogger(__name__)

_POLL_S = 0.2
_REFRESH_WAIT_S = 20.0


class TokenStore(Component):
    """The store, and access tokens by connection id.

    The settings behind both (`DATABASE_URL`, `SVP_ENCRYPTION_KEYS`, the client's credentials and where they are sent)
    are read from the environment when they are first needed.
    """

    oauth_timeout_s: float = Field(default=15.0, gt=0, description="Longest wait for Notion's token endpoints.")

    @cached_property
    def store(self) -> Store:
        """The store, which also keeps the unknown answers of this process.

        Raises `misconfigured` without a fit encryption key.
        """
        store = open_store(Settings())
        unknown_answers.keep_in(StoredUnknownAnswers(store))
        return store

    @cached_property
    def oauth(self) -> NotionOAuth:
        """Notion's OAuth endpoints. Raises `misconfigured` without the client's credentials."""
        return notion_oauth(Settings(), timeout_s=self.oauth_timeout_s)

    def access_token(self, connection_id: str) -> str:
        """The connection's token. Raises `not_connected`."""
        return self._tokens(connection_id).access

    def read_at_once(self, connection_ids: Collection[str]) -> ReadTokens:
        """Return these connections' tokens, read with one query, for calls that follow now."""
        return ReadTokens(self, self.store.connections.access_tokens(connection_ids))

    def refresh(self, connection_id: str, stale: str) -> str:
        """A token instead of `stale`, which Notion no longer takes. Raises `not_connected`.

        A refresh token works once, so one process refreshes and the others wait for what it stores.
        """
        give_up_at = time.monotonic() + _REFRESH_WAIT_S
        while time.monotonic() < give_up_at:
            tokens = self._tokens(connection_id)
            if tokens.access != stale:
                return tokens.access
            if self.store.connections.lease_refresh(connection_id, now=datetime.now(UTC)):
                return self._refresh_leased(connection_id, stale)
            time.sleep(_POLL_S)
        raise failure(Code.NOTION_UNREACHABLE, detail="another process refreshes the token and doesn't finish")

    def revoke_deleted(self, connection_id: str) -> bool:
        """Revoke the grant of a connection whose data were deleted. Return whether Notion took note of it.

        The token is kept for another attempt, unless Notion refuses it for good.
        """
        deletions = self.store.deletions
        try:
            token = deletions.access_token(connection_id)
            if token is not None:
                self.oauth.revoke(token)
        except SvpError as error:
            logger.warning("deleted connection %s: its grant is not revoked: %s", connection_id, error.code)
            if error.code in (Code.NOT_CONNECTED, Code.NOTION_REFUSED):
                deletions.revoked(connection_id)
            return False
        deletions.revoked(connection_id)
        return True

    def _refresh_leased(self, connection_id: str, stale: str) -> str:
        connections = self.store.connections
        try:
            tokens = self._tokens(connection_id)
            if tokens.access != stale:  # another process finished between our look and our lease
                connections.release_refresh(connection_id)
                return tokens.access
            if tokens.refresh is None:
                raise failure(Code.NOT_CONNECTED, detail="Notion gave no refresh token")
            grant = self.oauth.refresh(tokens.refresh)
        except SvpError as error:
            connections.release_refresh(connection_id)
            if error.code is not Code.NOT_CONNECTED:
                raise
            current = connections.tokens(connection_id)
            if current is not None and current.access != stale:  # authorised again while Notion refused the old pair
                return current.access
            connections.end(connection_id, now=datetime.now(UTC))
            raise
        fresh = Tokens(access=grant.access_token, refresh=grant.refresh_token or tokens.refresh)
        if not connections.replace_tokens(connection_id, fresh, now=datetime.now(UTC)):
            self.oauth.revoke(fresh.access)  # what was revoked when the connection ended was the old pair
            raise failure(Code.NOT_CONNECTED, detail=f"connection {connection_id} ended while its token was renewed")
        return fresh.access

    def _tokens(self, connection_id: str) -> Tokens:
        tokens = self.store.connections.tokens(connection_id)
        if tokens is None:
            raise failure(Code.NOT_CONNECTED, detail=f"connection {connection_id}")
        return tokens


@dataclass(frozen=True)
class ReadTokens:
    """Access tokens that were read together. One that Notion no longer takes is replaced as always."""

    tokens: TokenStore
    read: Mapping[str, str] = field(repr=False)

    def access_token(self, connection_id: str) -> str:
        """Return the connection's token. Raises `not_connected`."""
        return self.read.get(connection_id) or self.tokens.access_token(connection_id)

    def refresh(self, connection_id: str, stale: str) -> str:
        """Return a token that replaces `stale`. Raises `not_connected`."""
        return self.tokens.refresh(connection_id, stale)


def notion_oauth(settings: Settings, *, timeout_s: float) -> NotionOAuth:
    """Return this installation's OAuth endpoints. Raises `misconfigured` without the client's credentials."""
    if not settings.notion_client_id or settings.notion_client_secret is None:
        raise failure(Code.MISCONFIGURED, reason=f"{CREDENTIAL_VARIABLES} are not set")
    return NotionOAuth(
        base_url=settings.notion_base_url,
        client_id=settings.notion_client_id,
        client_secret=settings.notion_client_secret,
        timeout_s=timeout_s,
    )
