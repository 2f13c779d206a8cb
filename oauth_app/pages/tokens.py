"""Personal API tokens: made, shown once, revoked; and how a phone's share sheet uses one."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

LONGEST_NAME = 60
MOST_TOKENS = 20
SCOPES = {
    Scope.ADD_LINKS: ("add links", "Add links, and retry those that failed. All that a phone needs."),
    Scope.READ: ("read", "See links, databases and what they cost, and export all your data."),
    Scope.MANAGE: ("manage databases", "Make, register, change and forget databases."),
}
"""What a token may be allowed: in short, and as a sentence."""
LIVES = {
    "after 30 days": timedelta(days=30),
    "after 90 days": timedelta(days=90),
    "after a year": timedelta(days=365),
    "never": None,
}
"""When a token expires, in the words of the form."""
DEFAULT_LIFE = "after a year"


@blueprint.get("")
def show() -> str:
    """Show the tokens of this connection."""
    return _page()


@blueprint.post("")
@limiter.limit(WRITE_LIMIT)
def make() -> str | Response:
    """Make a token and show its secret, this once."""
    web, connection, now = services().store.web, identity.connection(), services().now()
    if len(web.api_tokens(connection.id)) >= MOST_TOKENS:
        flash(f"There are {MOST_TOKENS} tokens already. Revoke one that isn't used any more.", "bad")
        return redirect(url_for(".show"))
    scopes = {scope for scope in SCOPES if scope in request.form.getlist("scope")}
    if not scopes:
        flash("Choose at least one thing that the token may do.", "bad")
        return redirect(url_for(".show"))
    name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME] or "Unnamed"
    life = LIVES.get(request.form.get("expires", DEFAULT_LIFE), LIVES[DEFAULT_LIFE])
    _, secret = web.add_api_token(
        connection.id, name=name, scopes=scopes, expires_at=now + life if life else None, now=now
    )
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
        scopes=SCOPES,
        default_scope=Scope.ADD_LINKS,
        lives=LIVES,
        default_life=DEFAULT_LIFE,
        now=found.now(),
        fresh_name=fresh_name,
        fresh_secret=fresh_secret,
        app_url=found.settings.app_url.rstrip("/"),
    )
