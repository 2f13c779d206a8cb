"""The operator's page: readiness, what is spent and by whom, and the set-up of Notion's webhooks.

An operator is who can read the installation's files: the key to this page lies in the home folder. In production it is
`SVP_OPERATOR_KEY`.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from oauth_app import health, identity
from oauth_app.errors import Refusal
from oauth_app.pages.guard import signed_out
from oauth_app.security import limiter
from oauth_app.services import services
from svp_dagster.rows.spending.trust import overview_of, set_trusted
from svp_dagster.store.store import OPERATOR_KEY_FILE, operator_key

blueprint = Blueprint("operator", __name__, url_prefix="/operator")

KEY_LIMIT = "10 per minute"
MOST_LISTED = 50
"""How many connections the page lists. `svp trust` lists all."""


@blueprint.get("")
def show() -> str:
    """Show the page, or the form that asks for the key."""
    found = services()
    if not identity.is_operator():
        _key()  # created with the first visit, so that it can be read
        return render_template("operator/key.html", file=None if found.settings.operator_key else OPERATOR_KEY_FILE)
    tokens = found.store.webhook_tokens
    return render_template(
        "operator/show.html",
        readiness=health.readiness(),
        offers=tokens.offers(now=found.now()),
        in_use=tokens.in_use(),
        webhook_url=f"{found.settings.app_url.rstrip('/')}{url_for('webhooks.receive')}",
        redirect_uri=found.settings.notion_redirect_uri,
        unknown_answers=found.store.unknown_answers.all(),
        overview=overview_of(found.store, now=found.now()),
        most_listed=MOST_LISTED,
        caps=found.caps,
    )


@blueprint.post("/trust")
def trust() -> Response:
    """Trust a connection, or let it count as new again."""
    found, trusted = services(), request.form.get("trusted") == "yes"
    if not set_trusted(found.store, request.form.get("connection", ""), trusted=trusted, now=found.now()):
        flash("That connection isn't there any more.", "attention")
    elif trusted:
        flash("Trusted. Its links that wait for a budget start within a minute.", "good")
    else:
        flash("It counts as new again.", "good")
    return redirect(url_for(".show"))


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
        identity.sign_in_operator()
    else:
        flash("That is not the key.", "bad")
    return redirect(url_for(".show"))


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the operator's session in this browser."""
    identity.sign_out_operator()
    flash("You are signed out as the operator.", "good")
    return signed_out(".show")


@blueprint.post("/webhooks/confirm")
def confirm_webhooks() -> Response:
    """Check signatures with this token from now on."""
    if services().store.webhook_tokens.confirm(_named_offer(), now=services().now()):
        flash("Webhooks are set up: a new row is seen within seconds.", "good")
    else:
        flash("That token isn't waiting any more. Nothing was set up.", "attention")
    return redirect(url_for(".show"))


@blueprint.post("/webhooks/discard")
def discard_offer() -> Response:
    """Delete a token that was offered."""
    services().store.webhook_tokens.discard(_named_offer())
    flash("Discarded.", "good")
    return redirect(url_for(".show"))


@blueprint.post("/webhooks/start-over")
def start_over() -> Response:
    """Delete all tokens, so that a new one can be offered."""
    services().store.webhook_tokens.clear()
    flash("Forgotten. Notion can send a new verification token now.", "good")
    return redirect(url_for(".show"))


def _named_offer() -> str:
    return request.form.get("offer", "")


def require_operator() -> None:
    """Refuse who didn't give the key."""
    if not identity.is_operator():
        raise Refusal(403, "not_the_operator", "This is for the operator of this installation.")


def _key() -> str:
    return operator_key(services().settings)
