"""The form that uploads a file, for browsers without JavaScript. With it, `static/upload.js` calls the API."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.errors import Refusal
from oauth_app.pages import entries, forms
from oauth_app.security import WRITE_LIMIT, limiter, require_form_token
from oauth_app.videos import reception
from oauth_app.videos.streaming import streamed
from svp_dagster.errors import SvpError

blueprint = Blueprint("uploads", __name__, url_prefix="/entries/upload")


@blueprint.post("")
@limiter.limit(WRITE_LIMIT)
@streamed
def add() -> Response | tuple[str, int]:
    """Upload a file."""
    connection = identity.connection()
    try:
        given = reception.form()
        _ = given.file
        require_form_token(given.fields.get("csrf_token", ""))
        added = reception.receive(connection, given)
    except (Refusal, SvpError) as error:
        refused = forms.as_refusal(error)
        return entries.page(connection, upload_refused=refused), refused.status
    flash(f"“{added.title}” is here. It starts within seconds.", "good")
    return redirect(url_for("entries.show"))
