"""Workspaces with their person, the bots that connections are, and the tokens those act with."""

import secrets
from dataclasses import dataclass

from sandbox.notion.state.session import Clock, Session, new_id
from sandbox.notion.state.store import Json, Record, Store

# Source: developers.notion.com/docs/working-with-files-and-media: 5 MiB a file on the free plan.
FREE_PLAN_UPLOAD_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Workspace:
    """A workspace and its one person, who may do everything in it."""

    id: str
    name: str
    owner_id: str


@dataclass(frozen=True)
class TokenPair:
    """What a connection acts with, and what it gets the next pair for."""

    access_token: str
    refresh_token: str


def create(store: Store, clock: Clock, name: str) -> Workspace:
    """Makes a workspace with a person and one page, "Getting started"."""
    made = Workspace(new_id(), name, new_id())
    now = clock.now().isoformat()
    store.execute(
        "INSERT INTO workspaces VALUES (?, ?, NULL, ?, ?, ?)",
        made.id,
        made.name,
        made.owner_id,
        now,
        FREE_PLAN_UPLOAD_BYTES,
    )
    store.execute("INSERT INTO people VALUES (?, ?, 'Sam Sandbox', 'sam@sandbox.example')", made.owner_id, made.id)
    person = Session(store, clock, made.id, made.owner_id, is_bot=False, base_url="")
    title = {"type": "text", "text": {"content": "Getting started", "link": None}, "plain_text": "Getting started"}
    looks = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False}
    cells = {"title": [title | {"annotations": looks | {"color": "default"}, "href": None}]}
    person.add("page", None, {"cells": cells, "icon": {"type": "emoji", "emoji": "👋"}, "cover": None})
    return made


def every(store: Store) -> list[Workspace]:
    """All workspaces, oldest first."""
    return [Workspace(row["id"], row["name"], row["owner_id"]) for row in store.rows("SELECT * FROM workspaces")]


def get(store: Store, workspace_id: str) -> Workspace | None:
    """The workspace of this id, or None."""
    return next((each for each in every(store) if each.id == workspace_id), None)


def top_pages(store: Store, workspace_id: str) -> list[Record]:
    """What stands at the top of a workspace and can be shared."""
    found = store.children(None, ["page", "database"], workspace_id=workspace_id)
    return [record for record in found if not record.in_trash]


def bot(store: Store, workspace_id: str, *, client_id: str, name: str) -> str:
    """The id of the bot that a client has in a workspace; made where there is none."""
    store.execute("INSERT OR IGNORE INTO bots VALUES (?, ?, ?, ?)", new_id(), workspace_id, client_id, name)
    row = store.row("SELECT id FROM bots WHERE workspace_id=? AND client_id=?", workspace_id, client_id)
    return str(row["id"]) if row is not None else ""


def remove_bot(store: Store, bot_id: str) -> bool:
    """Forgets a bot; its tokens end and nothing is shared with it any more."""
    # Assumed: a connection that is removed and added again has another bot_id for the same workspace_id. If wrong:
    # nothing, the set-up is found by its bot too. Check: none.
    store.execute("UPDATE tokens SET state='revoked' WHERE bot_id=?", bot_id)
    store.execute("DELETE FROM grants WHERE bot_id=?", bot_id)
    return store.execute("DELETE FROM bots WHERE id=?", bot_id) > 0


def share(store: Store, bot_id: str, object_id: str, *, shared: bool = True) -> None:
    """Shares an object, and all below it, with a bot, or takes that back."""
    if shared:
        store.execute("INSERT OR IGNORE INTO grants VALUES (?, ?)", bot_id, object_id)
    else:
        store.execute("DELETE FROM grants WHERE bot_id=? AND object_id=?", bot_id, object_id)


def issue(store: Store, clock: Clock, *, bot_id: str, client_id: str) -> TokenPair:
    """A new pair of tokens for a bot."""
    # Source: developers.notion.com/changelog: tokens begin with ntn_.
    pair = TokenPair(f"ntn_{secrets.token_urlsafe(36)}", f"nrt_{secrets.token_urlsafe(36)}")
    store.execute(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, 'active')",
        pair.access_token,
        pair.refresh_token,
        bot_id,
        client_id,
        clock.now().isoformat(),
    )
    return pair


def token_answer(store: Store, bot_id: str, pair: TokenPair) -> Json:
    """What the token endpoint answers for a pair."""
    row = store.row(
        "SELECT workspaces.*, people.name AS person, people.email FROM bots"
        " JOIN workspaces ON workspaces.id = bots.workspace_id JOIN people ON people.id = workspaces.owner_id"
        " WHERE bots.id=?",
        bot_id,
    )
    found: Json = dict(row) if row is not None else {}
    owner = {
        "object": "user",
        "id": found["owner_id"],
        "name": found["person"],
        "avatar_url": None,
        "type": "person",
        "person": {"email": found["email"]},
    }
    return {
        # Source: developers.notion.com/reference/create-a-token; Notion's OpenAPI description of 2026-03.
        "access_token": pair.access_token,
        "token_type": "bearer",
        "refresh_token": pair.refresh_token,
        "bot_id": bot_id,
        "workspace_id": found["id"],
        "workspace_name": found["name"],
        "workspace_icon": found["icon"],
        "owner": {"type": "user", "user": owner},
        "duplicated_template_id": None,
    }
