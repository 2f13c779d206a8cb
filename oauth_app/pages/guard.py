"""Pages that need a sign-in."""

from __future__ import annotations

from flask import flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from oauth_app import identity


def require_session() -> Response | None:
    """Send people who aren't signed in to the start page. An API token doesn't open pages."""
    caller = identity.caller()
    if caller is not None and caller.token_id is None:
        return None
    flash("Connect Notion first: you are not signed in, or not any more.", "attention")
    if "HX-Request" in request.headers:
        # A redirect would put the start page into the part that htmx asked for.
        return make_response("", 401, {"HX-Redirect": url_for("start.show")})
    return redirect(url_for("start.show"))
