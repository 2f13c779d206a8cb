"""The media of an entry by API."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from oauth_app import identity, links
from oauth_app.api.guard import operation
from oauth_app.description import answers
from oauth_app.videos import jobs, player
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_media", __name__, url_prefix="/api/entries")


@blueprint.get("/<entry_id>/media")
@operation(
    Scope.READ,
    resp=answers(200, None, 401, 404, 416, extra={206: None, 302: None}),
    tags=["Link entries"],
    validates=False,
)
def show(entry_id: str) -> tuple[Response, int]:
    """The file that was uploaded, or that a link led to, while it is kept. Whole, or the part that `Range` asks for."""
    answer = player.send(jobs.media(links.mine(identity.connection(), entry_id)))
    return answer, answer.status_code
