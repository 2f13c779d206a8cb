"""The account of a person of the identity provider."""

from __future__ import annotations

from flask import Blueprint, url_for

from oauth_app import identity
from oauth_app.api.connection_schemas import NotionLinkAnswer
from oauth_app.api.guard import operation_of_people
from oauth_app.description import answers
from oauth_app.errors import Refusal
from oauth_app.security import SIGN_IN_LIMIT, limiter
from oauth_app.services import services
from svp_dagster.store.web.notion_links import LINK_LIFE

blueprint = Blueprint("api_account", __name__, url_prefix="/api/v1/account")


@blueprint.post("/notion")
@limiter.limit(SIGN_IN_LIMIT)
@operation_of_people(resp=answers(201, NotionLinkAnswer, 401, 409), tags=["Connection"])
def connect_notion() -> tuple[NotionLinkAnswer, int]:
    """Make a link by which the person connects Notion to this account. It works once, within ten minutes.

    A Notion that is connected here already becomes one account with this one, which gets its id.
    """
    found, connection = services(), identity.connection()
    if connection.has_notion:
        raise Refusal(409, "already_connected", "Your account has a Notion already.")
    now = found.now()
    secret = found.store.notion_links.make(connection.id, account_name=identity.account_name(), now=now)
    if secret is None:
        raise Refusal(401, "account_deleted", "Your data were deleted just now.")
    path = url_for("connect_notion.show", link=secret)
    return NotionLinkAnswer(url=f"{found.settings.app_url.rstrip('/')}{path}", expires_at=now + LINK_LIFE), 201
