"""The first page: what this is and *Connect Notion*, or on to what comes next for those who are signed in."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.services import services

blueprint = Blueprint("start", __name__)


@blueprint.get("/")
def show() -> str | Response:
    """The first page."""
    caller = identity.caller()
    if caller is None:
        return render_template("start/show.html")
    databases, connection_id = services().store.databases, caller.connection.id
    is_set_up = databases.link_database(connection_id) and databases.content_databases(connection_id)
    return redirect(url_for("entries.show" if is_set_up else "databases.show"))
