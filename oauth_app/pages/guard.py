"""Pages that need a sign-in."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from oauth_app import identity


def signed_in_only(blueprint: Blueprint) -> Blueprint:
    """Send people who aren't signed in to the start page."""
    blueprint.before_request(_to_the_start)
    return blueprint


def _to_the_start() -> Response | None:
    if identity.caller() is not None:
        return None
    flash("Connect Notion first: you are not signed in, or not any more.", "attention")
    if "HX-Request" in request.headers:
        # A redirect would put the start page into the part that htmx asked for.
        return make_response("", 401, {"HX-Redirect": url_for("start.show")})
    return redirect(url_for("start.show"))
