"""What the app depends on: store, storage, Notion, and the time. One object per app, made without connecting."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import current_app

from oauth_app.provider.verification import verifier
from oauth_app.videos.slots import Slots
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.notion.client.oauth import NotionOAuth
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.rows.spending.caps import SpendingCaps, spending_caps
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.storage import Storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.connections import Connection
from svp_dagster.store.store import Store

NOTION_TIMEOUT_S = 10.0
MAX_THROTTLE_WAIT_S = 5.0
"""A person waits for the page: what takes longer is a failure, and the person can try again."""


class Services:
    """The dependencies of the app."""

    def __init__(self, settings: Settings) -> None:
        """Raise `misconfigured` for unusable settings of the identity provider."""
        self.settings = settings
        self.jwts = verifier(settings)
        self.upload_slots = Slots()
        self._tokens = TokenStore(oauth_timeout_s=NOTION_TIMEOUT_S)
        self._storage = storage(settings)
        self._notion = NotionResource(
            base_url=settings.notion_base_url,
            timeout_s=NOTION_TIMEOUT_S,
            attempts=2,
            max_throttle_wait_s=MAX_THROTTLE_WAIT_S,
        )

    @property
    def store(self) -> Store:
        """Return the installation's store."""
        return self._tokens.store

    @property
    def storage(self) -> Storage:
        """Return the installation's files."""
        return self._storage

    @property
    def thumbnails(self) -> Thumbnails:
        """Return the small pictures of videos."""
        return Thumbnails(storage=self._storage)

    @property
    def kept_media(self) -> KeptMedia:
        """The media of posts that are kept."""
        return KeptMedia(storage=self._storage, hours=self.settings.media_kept_hours)

    @property
    def caps(self) -> SpendingCaps:
        """The installation's caps."""
        return spending_caps(self.settings)

    @property
    def oauth(self) -> NotionOAuth:
        """Notion's OAuth endpoints. Raises `misconfigured` without the client's credentials."""
        return self._tokens.oauth

    def workspace(self, connection: Connection) -> Workspace:
        """Return Notion, as this connection may see it."""
        return self._notion.workspace(connection.id, self._tokens)

    def revoke_deleted(self, connection: Connection) -> bool:
        """Revoke the grant of a connection whose data were deleted. Return whether Notion took note of it."""
        return self._tokens.revoke_deleted(connection.id)

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""
        return datetime.now(UTC)


def services() -> Services:
    """Return the services of the app that handles this request."""
    found: Services = current_app.extensions["svp"]
    return found
