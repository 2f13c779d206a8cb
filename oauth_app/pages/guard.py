"""Pages that need a sign-in, and the answer that ends one."""

from __future__ import annotations

from flask import flash, make_response, redirect, request, session, url_for
from werkzeug.wrappers import Response

from oauth_app import identity


def signed_out(endpoint: str) -> Response:
    """Redirect to a page, and let the browser delete what it keeps of ours."""
    answer = redirect(url_for(endpoint))
    # Not "cookies": they go by host name, so those of the Dagster UI on another port would go too.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def require_session() -> Response | None:
    """Send whoever isn't signed in to the start page, scripts with an API token too."""
    if identity.person() is not None:
        return None
    # A form of another site comes without the cookie. To keep a message for it would replace that cookie.
    if request.method == "GET" or session:
        flash("Connect Notion first: you are not signed in, or not any more.", "attention")
    if "HX-Request" in request.headers:
        # A redirect would put the start page into the part that htmx asked for.
        return make_response("", 401, {"HX-Redirect": url_for("start.show")})
    return redirect(url_for("start.show"))
