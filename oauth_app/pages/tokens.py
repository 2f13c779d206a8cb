"""Personal API tokens: made, shown once, revoked; and how a phone's share sheet uses one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

LONGEST_NAME = 60
MOST_TOKENS = 20


@blueprint.get("")
def show() -> str:
    """Show the tokens of this connection."""
    return _page()


@blueprint.post("")
@limiter.limit(WRITE_LIMIT)
def make() -> str | Response:
    """Make a token and show its secret, this once."""
    web, connection = services().store.web, identity.connection()
    if len(web.api_tokens(connection.id)) >= MOST_TOKENS:
        flash(f"There are {MOST_TOKENS} tokens already. Revoke one that isn't used any more.", "bad")
        return redirect(url_for(".show"))
    name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME] or "Unnamed"
    _, secret = web.add_api_token(connection.id, name=name, now=services().now())
    return _page(fresh_name=name, fresh_secret=secret)


@blueprint.post("/<token_id>/revoke")
def revoke(token_id: str) -> Response:
    """Revoke a token."""
    if services().store.web.revoke_api_token(identity.connection().id, token_id):
        flash("The token is revoked: whatever used it can't any more.", "good")
    return redirect(url_for(".show"))


def _page(*, fresh_name: str = "", fresh_secret: str = "") -> str:
    found = services()
    return render_template(
        "tokens/show.html",
        tokens=found.store.web.api_tokens(identity.connection().id),
        fresh_name=fresh_name,
        fresh_secret=fresh_secret,
        app_url=found.settings.app_url.rstrip("/"),
    )
