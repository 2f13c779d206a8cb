"""Settings of a connection: language, monthly budget, weekly digest, and disconnecting."""

from __future__ import annotations

import math

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.services import services
from svp_dagster.errors import Code, SvpError
from svp_dagster.rows.spending.caps import cap_failure, spending_of

_UNSEEN_PAGE = (
    "The app can't see that page. Copy the link of a Notion page, and choose it under “Choose pages again” first."
)

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

LONGEST_LANGUAGE = 40
LARGEST_BUDGET_USD = 100_000.0


@blueprint.get("")
def show() -> str:
    """Show the settings of this connection."""
    found, connection = services(), identity.connection()
    spending = spending_of(found.store, connection, found.caps, now=found.now())
    used_up = cap_failure(spending.used_up).sentence if spending.used_up else ""
    return render_template(
        "settings/show.html",
        connection=connection,
        installation_language=found.settings.output_language,
        spending=spending,
        operators_cap=found.caps.of_operator(connection),
        used_up=used_up,
        longest_language=LONGEST_LANGUAGE,
    )


@blueprint.post("")
def save() -> Response:
    """Store what was chosen."""
    budget_text = request.form.get("monthly_budget_usd", "").strip()
    budget_usd = _amount(budget_text) if budget_text else None
    if budget_text and budget_usd is None:
        flash("The monthly budget must be an amount in US dollars, such as 5 or 2.50.", "bad")
        return redirect(url_for(".show"))
    store, connection_id, now = services().store, identity.connection().id, services().now()
    store.connections.set_preferences(
        connection_id,
        output_language=" ".join(request.form.get("output_language", "").split())[:LONGEST_LANGUAGE],
        monthly_budget_usd=budget_usd,
        now=now,
    )
    store.databases.poll_now(connection_id, now=now)  # links that wait for the budget start if it was raised
    flash("Saved. It counts from the next link on.", "good")
    return redirect(url_for(".show"))


@blueprint.post("/digest")
def choose_digest() -> Response:
    """Store below which Notion page the weekly digests are made; with an empty link, end them."""
    found, connection = services(), identity.connection()
    link = request.form.get("page", "").strip()
    if not link:
        found.store.digests.choose_home(connection.id, page_id=None, title="", now=found.now())
        flash("No more digests are made. Those that exist stay in Notion.", "good")
        return redirect(url_for(".show"))
    try:
        home = found.workspace(connection).home_page(link)
    except SvpError as error:
        if error.code is not Code.DATABASE_NOT_SHARED:
            raise
        flash(_UNSEEN_PAGE, "bad")
        return redirect(url_for(".show"))
    found.store.digests.choose_home(connection.id, page_id=home.page_id, title=home.title, now=found.now())
    flash("Saved. The first digest comes on Monday.", "good")
    return redirect(url_for(".show"))


def _amount(text: str) -> float | None:
    try:
        amount = float(text.removeprefix("$").replace(",", "."))
    except ValueError:
        return None
    return round(amount, 2) if math.isfinite(amount) and 0 <= amount <= LARGEST_BUDGET_USD else None
