"""The people of a workspace, and the bot that asks."""

from flask import Blueprint

from sandbox.notion.checks import dashed
from sandbox.notion.endpoints import incoming
from sandbox.notion.errors import not_found
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json

routes = Blueprint("users", __name__, url_prefix="/v1/users")


@routes.get("/me")
def retrieve_me() -> Json:
    """GET /v1/users/me."""
    session = incoming.session()
    return bot(session, session.actor_id)


@routes.get("")
def list_users() -> Json:
    """GET /v1/users: the people, then the bot itself."""
    session = incoming.session()
    cursor, size = incoming.page_asked()
    everybody = [*people(session), bot(session, session.actor_id)]
    start = next((i for i, user in enumerate(everybody) if user["id"] == cursor), 0) if cursor else 0
    stop = start + (size or 100)
    more = everybody[stop:]
    return {
        "object": "list",
        "results": everybody[start:stop],
        "next_cursor": more[0]["id"] if more else None,
        "has_more": bool(more),
        "type": "user",
        "user": {},
    }


@routes.get("/<user_id>")
def retrieve_user(user_id: str) -> Json:
    """GET /v1/users/{id}."""
    session = incoming.session()
    wanted = dashed(user_id)
    found = next((user for user in [*people(session), bot(session, session.actor_id)] if user["id"] == wanted), None)
    if found is None:
        raise not_found("user", wanted or user_id)
    return found


def people(session: Session) -> list[Json]:
    """The people of the caller's workspace as answers have them."""
    rows = session.store.rows("SELECT * FROM people WHERE workspace_id=? ORDER BY rowid", session.workspace_id)
    return [
        {
            "object": "user",
            "id": row["id"],
            "name": row["name"],
            "avatar_url": None,
            "type": "person",
            "person": {"email": row["email"]},
        }
        for row in rows
    ]


def bot(session: Session, bot_id: str) -> Json:
    """A bot as answers have it, with the limits of its workspace."""
    row = session.store.row(
        "SELECT bots.name AS bot_name, workspaces.* FROM bots JOIN workspaces ON workspaces.id = bots.workspace_id"
        " WHERE bots.id=?",
        bot_id,
    )
    if row is None:
        raise not_found("user", bot_id)
    # Source: developers.notion.com/reference/get-self: owner, workspace_name and workspace_limits of the bot.
    owner = next(user for user in people(session) if user["id"] == row["owner_id"])
    return {
        "object": "user",
        "id": bot_id,
        "name": row["bot_name"],
        "avatar_url": None,
        "type": "bot",
        "bot": {
            "owner": {"type": "user", "user": owner},
            "workspace_id": row["id"],
            "workspace_name": row["name"],
            "workspace_limits": {"max_file_upload_size_in_bytes": row["largest_upload_bytes"]},
        },
    }
