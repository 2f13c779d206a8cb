"""All that this installation holds about a connection: handed over as JSON, or deleted. Pages and API call the same."""

from __future__ import annotations

from flask import Response

from oauth_app.services import services
from svp_dagster.store.connections import Connection

EXPORT_LIMIT = "10 per hour"
"""An export reads every row of its owner's."""


def export(connection: Connection) -> Response:
    """Return the answer that downloads it all, streamed. Secrets are left out."""
    found = services()
    pieces = found.store.my_data.export(connection.id, thumbnail=found.thumbnails.get, now=found.now())
    answer = Response(pieces, mimetype="application/json")
    name = f"social-video-processor-{found.now():%Y-%m-%d}.json"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def delete(connection: Connection) -> bool:
    """Delete it all, for good. Return whether the grant was revoked at Notion."""
    found = services()
    found.store.deletions.delete(connection.id, now=found.now())
    return found.revoke_deleted(connection)
