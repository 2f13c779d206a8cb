"""Who a token or session speaks for."""

from __future__ import annotations

from flask import Blueprint

from oauth_app import identity
from oauth_app.api.schemas import ConnectionAnswer
from oauth_app.description import answers, spec

blueprint = Blueprint("api_connection", __name__, url_prefix="/api/connection")


@blueprint.get("")
@spec.validate(resp=answers(200, ConnectionAnswer, 401), tags=["Connection"])
def show() -> ConnectionAnswer:
    """The connection that this request speaks for."""
    return ConnectionAnswer.of(identity.connection())
