"""The operator's page: readiness, and the set-up of Notion's webhooks.

An operator is who can read the installation's files: the key to this page lies in the home folder. In production it is
`SVP_OPERATOR_KEY`.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, flash, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from oauth_app import health, webhooks
from oauth_app.errors import Refusal
from oauth_app.security import limiter
from oauth_app.services import services
from svp_dagster.store.store import OPERATOR_KEY_FILE, operator_key

blueprint = Blueprint("operator", __name__, url_prefix="/operator")

KEY_LIMIT = "10 per minute"
_SESSION = "operator"


@blueprint.get("")
def show() -> str:
    """Show the page, or the form that asks for the key."""
    found = services()
    if not _is_operator():
        _key()  # created with the first visit, so that it can be read
        return render_template("operator/key.html", file=None if found.settings.operator_key else OPERATOR_KEY_FILE)
    web = found.store.web
    return render_template(
        "operator/show.html",
        readiness=health.readiness(),
        offered=web.secret(webhooks.OFFERED),
        in_use=web.secret(webhooks.IN_USE),
        webhook_url=f"{found.settings.app_url.rstrip('/')}{url_for('webhooks.receive')}",
        redirect_uri=found.settings.notion_redirect_uri,
        unknown_answers=found.store.unknown_answers.all(),
    )


@blueprint.get("/unknown-answers.json")
def unknown_answers() -> Response:
    """Download the answers that no rule knows."""
    answers = [answer.model_dump(mode="json") for answer in services().store.unknown_answers.all()]
    response = jsonify(answers)
    response.headers["Content-Disposition"] = "attachment; filename=unknown-answers.json"
    return response


@blueprint.post("/key")
@limiter.limit(KEY_LIMIT)
def enter() -> Response:
    """Open the page with the key."""
    given = request.form.get("key", "").strip()
    if hmac.compare_digest(given.encode(), _key().encode()):
        session[_SESSION] = True
    else:
        flash("That is not the key.", "bad")
    return redirect(url_for(".show"))


@blueprint.post("/webhooks/confirm")
def confirm_webhooks() -> Response:
    """Check signatures with the offered token from now on."""
    web, now = services().store.web, services().now()
    offered = web.secret(webhooks.OFFERED)
    if offered is None:
        flash("Notion has sent no verification token yet.", "attention")
        return redirect(url_for(".show"))
    web.set_secret(webhooks.IN_USE, offered[0], now=now)
    web.forget_secret(webhooks.OFFERED)
    flash("Webhooks are set up: a new row is seen within seconds.", "good")
    return redirect(url_for(".show"))


@blueprint.post("/webhooks/start-over")
def start_over() -> Response:
    """Delete the tokens, so that a new one can be offered."""
    web = services().store.web
    web.forget_secret(webhooks.IN_USE)
    web.forget_secret(webhooks.OFFERED)
    flash("Forgotten. Notion can send a new verification token now.", "good")
    return redirect(url_for(".show"))


def require_operator() -> None:
    """Refuse who didn't give the key."""
    if not _is_operator():
        raise Refusal(403, "not_the_operator", "This is for the operator of this installation.")


def _is_operator() -> bool:
    return session.get(_SESSION) is True


def _key() -> str:
    return operator_key(services().settings)
