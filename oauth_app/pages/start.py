"""The first page: what this is and *Connect Notion*, or the next step for those who are signed in.

Until the installation has a public connection at Notion, it says how to make one instead.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.services import services
from svp_dagster.settings import NOTION_PORTAL

blueprint = Blueprint("start", __name__)


@blueprint.get("/")
def show() -> str | Response:
    """Show the first page."""
    person = identity.person()
    if person is None:
        return set_up_page() if services().settings.missing_notion_client else render_template("start/show.html")
    databases = services().store.databases
    is_set_up = databases.link_database(person.id) and databases.content_databases(person.id)
    return redirect(url_for("entries.show" if is_set_up else "databases.show"))


def set_up_page() -> str:
    """Return the page that leads the operator through making a public connection at Notion."""
    settings = services().settings
    return render_template(
        "start/set_up.html",
        missing=settings.missing_notion_client,
        portal=NOTION_PORTAL,
        redirect_uri=settings.notion_redirect_uri,
    )
