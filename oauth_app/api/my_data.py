"""All data of a connection by API."""

from __future__ import annotations

from flask import Blueprint, Response

from oauth_app import identity, my_data
from oauth_app.api.guard import operation, operation_of_people
from oauth_app.description import answers
from oauth_app.security import WRITE_LIMIT, limiter
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_my_data", __name__, url_prefix="/api/my-data")


@blueprint.get("")
@limiter.limit(my_data.EXPORT_LIMIT)
@operation(Scope.READ, resp=answers(200, None, 401), tags=["Connection"])
def export() -> Response:
    """All that is held about the connection, as one JSON object.

    It has an array per kind, and ends with `complete`. Secrets are left out.
    """
    return my_data.export(identity.connection())


@blueprint.delete("")
@limiter.limit(WRITE_LIMIT)
@operation_of_people(resp=answers(204, None, 401), tags=["Connection"])
def delete() -> tuple[str, int]:
    """Delete all that is held about the connection, for good, and revoke its access to Notion.

    A token of the identity provider that was issued before is refused from then on, so that no page that is still open
    makes the account again.
    """
    my_data.delete(identity.connection())
    return "", 204
