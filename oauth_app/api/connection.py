"""Who a token or session speaks for."""

from __future__ import annotations

from flask import Blueprint

from oauth_app import identity
from oauth_app.api.connection_schemas import ConnectionAnswer
from oauth_app.api.guard import operation
from oauth_app.description import answers
from oauth_app.services import services
from svp_dagster.rows.spending.caps import spending_of
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_connection", __name__, url_prefix="/api/connection")


@blueprint.get("")
@operation(Scope.READ, resp=answers(200, ConnectionAnswer, 401), tags=["Connection"])
def show() -> ConnectionAnswer:
    """The connection that this request speaks for, and what it spent this month."""
    found, connection = services(), identity.connection()
    return ConnectionAnswer.of(connection, spending_of(found.store, connection, found.caps, now=found.now()))
