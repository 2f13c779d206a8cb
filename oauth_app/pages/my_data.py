"""*Export my data* and *Delete my data*, after a page that says what will be gone."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, flash, render_template
from werkzeug.wrappers import Response as AnyResponse

from oauth_app import identity, my_data
from oauth_app.pages.guard import signed_out
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services

logger = logging.getLogger(__name__)

blueprint = Blueprint("my_data", __name__, url_prefix="/settings/data")

_DELETED = "Your data are deleted here, and Notion was told to end the app's access. Your pages in Notion stay."
_NOT_REVOKED = (
    "Your data are deleted here, but Notion couldn't be told yet to end the app's access. We keep trying for a day. "
    "To be sure, remove the connection in Notion under Settings → Connections."
)


@blueprint.get("/export")
@limiter.limit(my_data.EXPORT_LIMIT)
def export() -> Response:
    """Download all data."""
    return my_data.export(identity.connection())


@blueprint.get("/delete")
def show() -> str:
    """Show what will be gone, and what stays."""
    connection = identity.connection()
    counts = services().store.my_data.counts(connection.id)
    return render_template("my_data/show.html", connection=connection, counts=counts)


@blueprint.post("/delete")
@limiter.limit(WRITE_LIMIT)
def delete() -> AnyResponse:
    """Delete all data, and end the session."""
    connection = identity.connection()
    is_revoked = my_data.delete(connection)
    identity.sign_out()
    logger.info("connection %s was deleted by its owner", connection.id)
    flash(_DELETED if is_revoked else _NOT_REVOKED, "good" if is_revoked else "attention")
    return signed_out("start.show")
