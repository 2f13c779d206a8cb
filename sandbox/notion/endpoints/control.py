"""Routes for tests and the demo, which the real Notion has none of.

POST   /_sandbox/workspaces             {"name"} → workspace_id, bot_id, access_token, page_id
POST   /_sandbox/workspaces/limits      {"workspace_id", "largest_upload_bytes"}
POST   /_sandbox/share                  {"bot_id", "object_id", "shared"}
POST   /_sandbox/tokens/expire          {"access_token"} or {} for all: 401 until it is refreshed
POST   /_sandbox/clock                  {"advance_s"}: moves the sandbox's time on
POST   /_sandbox/rate                   {"per_second", "burst"}, per_second null for none
POST   /_sandbox/redirect_uris          {"client_id", "redirect_uri"}: registers it, 400 where Notion takes none such
POST   /_sandbox/connections/remove     {"bot_id"}: as a person does in Notion; adding it again makes another bot
POST   /_sandbox/edge_block             {"matching"?, "times"?}: 403 in HTML from the edge, which Notion never hears of
POST   /_sandbox/status_options         {"data_source_id", "property", "options": [name, …]}
GET    /_sandbox/pages?data_source_id=  every page ever made there: see `list_pages`
GET    /_sandbox/webhooks               subscriptions and deliveries
POST   /_sandbox/webhooks               {"url", "workspace_id"?, "is_handshake_signed"?} → id, verification_token
PATCH  /_sandbox/webhooks/{id}          {"delay_s", "copies", "retry_s", "paused"}
DELETE /_sandbox/webhooks/{id}
POST   /_sandbox/webhooks/resend        {"event_id"}

Databases that only a person can make: `odd_databases`.
"""

from dataclasses import asdict
from datetime import timedelta

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content import columns, options, rich_text, values
from sandbox.notion.endpoints import edge, oauth, pages
from sandbox.notion.endpoints.incoming import made
from sandbox.notion.errors import not_found, validation
from sandbox.notion.state import workspaces
from sandbox.notion.state.app_state import state
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

routes = Blueprint("control", __name__, url_prefix="/_sandbox")

INTERNAL_CLIENT = "internal"


@routes.post("/workspaces")
def create_workspace() -> Json:
    """A workspace, an internal token that works at once, and a starting page shared with it."""
    asked = _asked({"name": checks.text(shortest=1)})
    parts = state()
    workspace = workspaces.create(parts.store, parts.clock, asked["name"])
    bot_id = workspaces.bot(parts.store, workspace.id, client_id=INTERNAL_CLIENT, name="Internal connection")
    page = workspaces.top_pages(parts.store, workspace.id)[0]
    workspaces.share(parts.store, bot_id, page.id)
    pair = workspaces.issue(parts.store, parts.clock, bot_id=bot_id, client_id=INTERNAL_CLIENT)
    return {
        "workspace_id": workspace.id,
        "bot_id": bot_id,
        "owner_id": workspace.owner_id,
        "access_token": pair.access_token,
        "page_id": page.id,
    }


@routes.post("/workspaces/limits")
def set_limits() -> Json:
    """Changes how large an upload may be in a workspace."""
    asked = _asked({"workspace_id": checks.identifier, "largest_upload_bytes": checks.integer(least=0)})
    changed = state().store.execute(
        "UPDATE workspaces SET largest_upload_bytes=? WHERE id=?", asked["largest_upload_bytes"], asked["workspace_id"]
    )
    return {"changed": changed}


@routes.post("/share")
def share() -> Json:
    """Shares an object with a bot, or takes that back."""
    asked = _asked({"bot_id": checks.identifier, "object_id": checks.identifier, "shared": checks.boolean})
    workspaces.share(state().store, asked["bot_id"], asked["object_id"], shared=asked["shared"])
    return {"shared": asked["shared"]}


@routes.post("/tokens/expire")
def expire_tokens() -> Json:
    """Makes access tokens answer 401; their refresh tokens still work."""
    asked = _asked({}, {"access_token": checks.text()})
    expired = state().store.execute(
        "UPDATE tokens SET state='expired' WHERE state='active' AND ?1 IN (access_token, '*')",
        asked.get("access_token", "*"),
    )
    return {"expired": expired}


@routes.post("/clock")
def advance_clock() -> Json:
    """Moves the sandbox's time on."""
    clock = state().clock
    clock.ahead += timedelta(seconds=_asked({"advance_s": checks.number})["advance_s"])
    return {"now": clock.now().isoformat()}


@routes.post("/rate")
def set_rate() -> Json:
    """Sets the rate limit of each connection, or removes it."""
    asked = _asked({"per_second": checks.nullable(checks.number)}, {"burst": checks.number})
    if asked["per_second"] is not None and asked["per_second"] <= 0:
        raise validation("per_second should be more than 0, or null")
    state().rate.set(per_second=asked["per_second"], burst=max(1, asked.get("burst", 1)))
    return asked


@routes.post("/redirect_uris")
def register_redirect_uri() -> Json:
    """Registers a redirect URI of a client, as its owner does in Notion's settings."""
    asked = _asked({"client_id": checks.text(shortest=1), "redirect_uri": checks.text(shortest=1)})
    if not oauth.may_be_registered(asked["redirect_uri"]):
        raise validation("Invalid redirect URI.")
    registered = state().redirect_uris.setdefault(asked["client_id"], set())
    registered.add(asked["redirect_uri"])
    return {"redirect_uris": sorted(registered)}


@routes.post("/connections/remove")
def remove_connection() -> Json:
    """Takes a connection out of its workspace, with its tokens and all that was shared with it."""
    bot_id = _asked({"bot_id": checks.identifier})["bot_id"]
    return {"removed": workspaces.remove_bot(state().store, bot_id)}


@routes.post("/edge_block")
def block_at_edge() -> Json:
    """Lets the edge refuse the next requests."""
    asked = _asked({}, {"matching": checks.text(), "times": checks.nullable(checks.integer(least=1))})
    block = edge.block(path=asked.get("matching", "/v1/"), times=asked.get("times", 1))
    state().faults.add(block)
    return {"ray_id": block.headers["cf-ray"]}


@routes.post("/status_options")
def set_status_options() -> Json:
    """Gives a status column its options, as a person does in Notion's own page."""
    names = checks.array(checks.text(shortest=1), shortest=1)
    asked = _asked({"data_source_id": checks.identifier, "property": checks.text(), "options": names})
    _, data_source = _data_source(asked["data_source_id"])
    column = columns.find(data_source, asked["property"])
    if column is None or column["type"] != "status":
        raise validation(f"{asked['property']} is not a status property.")
    options.set_status_options(column, asked["options"])
    state().store.save(data_source)
    return {"options": [option["name"] for option in options.of(column)]}


@routes.get("/pages")
def list_pages() -> Json:
    """The ledger: `created` counts every page made in a data source, `live` those not in the trash.

    Each of `pages` has id, title, url, in_trash, created_by, created_time (exact), updates (how often its properties
    were changed), blocks (those not in the trash, at all levels) and properties as text.
    """
    session, data_source = _data_source(request.args.get("data_source_id", ""))
    found = session.store.children(data_source.id, ["page"])
    return {
        "created": len(found),
        "live": sum(not page.in_trash for page in found),
        "pages": [
            {
                "id": page.id,
                "title": pages.title(page),
                "url": session.url(page, pages.title(page)),
                "in_trash": page.in_trash,
                "created_by": page.created_by,
                "created_time": page.created_time.isoformat(),
                "updates": page.body.get("updates", 0),
                "blocks": _blocks_below(session, page),
                "properties": {
                    column["name"]: values.text(session, page, column)
                    for column in data_source.body["columns"].values()
                },
            }
            for page in found
        ],
    }


@routes.get("/webhooks")
def list_webhooks() -> Json:
    """Subscriptions and deliveries."""
    return state().webhooks.as_json()


@routes.post("/webhooks")
def subscribe() -> Json:
    """Adds a subscription; its verification token is sent to it and told here."""
    optional: dict[str, Check] = {"workspace_id": checks.identifier, "is_handshake_signed": checks.boolean}
    asked = _asked({"url": checks.text(shortest=1)}, optional)
    if rich_text.urlsplit_scheme(asked["url"]) not in ("http", "https"):
        raise validation("url should be an http or https address")
    found = state().webhooks.subscribe(
        asked["url"],
        workspace_id=asked.get("workspace_id"),
        is_handshake_signed=asked.get("is_handshake_signed", True),
    )
    return {"id": found.id, "verification_token": found.verification_token}


@routes.patch("/webhooks/<subscription_id>")
def change_subscription(subscription_id: str) -> Json:
    """Makes a subscription late, double or paused."""
    asked = _asked(
        {},
        {
            "delay_s": checks.number,
            "copies": checks.integer(least=1),
            "retry_s": checks.number,
            "paused": checks.boolean,
        },
    )
    try:
        return asdict(state().webhooks.behave(subscription_id, asked))
    except KeyError as error:
        raise not_found("subscription", subscription_id) from error


@routes.delete("/webhooks/<subscription_id>")
def unsubscribe(subscription_id: str) -> Json:
    """Forgets a subscription."""
    state().webhooks.unsubscribe(subscription_id)
    return {"id": subscription_id}


@routes.post("/webhooks/resend")
def resend() -> Json:
    """Sends an event again."""
    event_id = _asked({"event_id": checks.identifier})["event_id"]
    try:
        state().webhooks.resend(event_id)
    except KeyError as error:
        raise not_found("event", event_id) from error
    return {"event_id": event_id}


def _asked(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Json:
    asked = request.get_json(silent=True) or {}
    checks.record(required, optional)(asked, "body")
    return dict(asked)


def _data_source(data_source_id: str) -> tuple[Session, Record]:
    found = state().store.get(checks.dashed(data_source_id) or "")
    workspace = None if found is None else workspaces.get(state().store, found.workspace_id)
    if found is None or found.kind != "data_source" or workspace is None:
        raise not_found("data_source", data_source_id)
    return made(state(), workspace_id=workspace.id, actor_id=workspace.owner_id, is_bot=False), found


def _blocks_below(session: Session, record: Record) -> int:
    below = [child for child in session.store.children(record.id, ["block"]) if not child.in_trash]
    return len(below) + sum(_blocks_below(session, child) for child in below)
