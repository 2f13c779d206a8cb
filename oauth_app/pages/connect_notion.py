"""The way on which the owner of an account without Notion connects one.

A link leads here (`POST /api/v1/account/notion`), and whoever opens it decides with a click. `docs/security.md` says
why nothing happens before.
"""

from __future__ import annotations

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.errors import Refusal
from oauth_app.pages.start import set_up_page
from oauth_app.security import SIGN_IN_LIMIT, limiter
from oauth_app.services import services

blueprint = Blueprint("connect_notion", __name__, url_prefix="/auth/notion/connect")

_UNKNOWN = Refusal(
    400, "link_unknown", "This link was used already, or is older than ten minutes. Ask for another one in your app."
)


@blueprint.get("")
@limiter.limit(SIGN_IN_LIMIT)
def show() -> Response | str | tuple[str, int]:
    """Show whose account Notion is about to be connected to. The link stays good: previews open links too."""
    found = services()
    if found.settings.missing_notion_client:
        return set_up_page(), 503
    secret = request.args.get("link", "")
    link = found.store.notion_links.find(secret, now=found.now())
    account = found.store.connections.get(link.connection_id) if link else None
    if link is None or account is None:
        return _refused()
    return render_template(
        "start/connect_notion.html",
        link=link,
        secret=secret,
        account=account,
        entries=found.store.entries.page(account.id, offset=0, limit=1)[1],
    )


@blueprint.post("")
@limiter.limit(SIGN_IN_LIMIT)
def begin() -> Response | tuple[str, int]:
    """Leave for Notion's authorize page. The link is used up, and what comes back is tied to this browser."""
    found = services()
    link = found.store.notion_links.use(request.form.get("link", ""), now=found.now())
    if link is None:
        return _refused()
    browser = identity.mark_browser()
    state = found.store.web.begin_sign_in(browser=browser, now=found.now(), connection_id=link.connection_id)
    onwards = found.oauth.authorize_url(redirect_uri=found.settings.notion_redirect_uri, state=state)
    answer = make_response(render_template("start/to_notion.html", onwards=onwards))
    # Not a redirect: browsers apply the `form-action` of the page with the form to where its answer redirects.
    answer.headers["Refresh"] = f"0; url={onwards}"
    return answer


def _refused() -> tuple[str, int]:
    return render_template("start/not_connected.html", refused=_UNKNOWN, by_link=True), _UNKNOWN.status
