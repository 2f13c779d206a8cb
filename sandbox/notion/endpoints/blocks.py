"""Blocks: the contents of pages. Pages and databases under a page are blocks of it, too."""

from functools import partial

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.content import block_kinds, files, rich_text
from sandbox.notion.endpoints import incoming
from sandbox.notion.errors import archived, failed, validation
from sandbox.notion.state.session import LATEST_VERSION, Session, answer_list
from sandbox.notion.state.store import Json, Kind, Record

routes = Blueprint("blocks", __name__, url_prefix="/v1/blocks")

UNDER_A_PAGE: list[Kind] = ["block", "page", "database"]
# Source: developers.notion.com/reference/patch-block-children: at most 100 children.
children: checks.Check = checks.array(block_kinds.block)
"""The `children` of a request: at most 100."""
_after_block = checks.record({"id": checks.identifier})
# Source: developers.notion.com/reference/changes-by-version, 2026-03-11: `after` became `position`.
_position = checks.either(
    checks.record({"type": checks.choice("after_block"), "after_block": _after_block}),
    checks.record({"type": checks.choice("start", "end")}),
)


@routes.get("/<block_id>")
def retrieve_block(block_id: str) -> Json:
    """GET /v1/blocks/{id}."""
    session = incoming.session()
    return shown(session, session.find_block(block_id))


@routes.patch("/<block_id>")
def update_block(block_id: str) -> Json:
    """PATCH /v1/blocks/{id}: its content, or out of the trash and into it."""
    session = incoming.session()
    record = session.find_block(block_id)
    # Source: developers.notion.com/reference/update-a-block: the kind of a block stays.
    kind = record.body["type"] if record.kind == "block" else f"child_{record.kind}"
    content = block_kinds.changed_content(kind)
    asked = incoming.body(
        checks.record(optional={kind: content, "type": checks.choice(kind), "in_trash": checks.boolean})
    )
    if asked.get("in_trash") is not False or not record.in_trash:
        session.must_be_alive(record)
    if kind in asked and record.kind == "block":
        record.body[kind] |= _kept(session, kind, asked[kind])
    record.in_trash = asked.get("in_trash", record.in_trash)
    session.save(record)
    _touch_page(session, record)
    return shown(session, record)


@routes.delete("/<block_id>")
def delete_block(block_id: str) -> Json:
    """DELETE /v1/blocks/{id}: into the trash, with all below it."""
    session = incoming.session()
    record = session.find_block(block_id)
    if record.in_trash:
        raise archived()
    record.in_trash = True
    session.save(record)
    if record.kind == "block":
        _touch_page(session, record)
    else:
        session.emit(f"{record.kind}.deleted", record)
    return shown(session, record)


@routes.get("/<block_id>/children")
def list_children(block_id: str) -> Json:
    """GET /v1/blocks/{id}/children."""
    session = incoming.session()
    parent = session.find_block(block_id)
    cursor, size = incoming.page_asked()
    return answer_list(
        session.store.children(parent.id, UNDER_A_PAGE),
        keep=lambda record: not record.in_trash,
        show=partial(shown, session),
        kind="block",
        cursor=cursor,
        size=size,
    )


@routes.patch("/<block_id>/children")
def append_children(block_id: str) -> Json:
    """PATCH /v1/blocks/{id}/children: at the end, at the start, or after a block."""
    session = incoming.session()
    parent = session.find_block(block_id)
    older = session.version != LATEST_VERSION
    where = {"after": checks.identifier} if older else {"position": _position}
    asked = incoming.body(checks.record({"children": children}, where))
    session.must_be_alive(parent)
    must_be_few(asked["children"])
    position = asked.get("position", {"type": "end"})
    if "after" in asked:
        position = {"type": "after_block", "after_block": {"id": asked["after"]}}
    # Source: 18 recorded appends with a position, 13 of them before other blocks: `results` has the new blocks, then
    # all that follow.
    # Assumed: what follows comes whole, however much it is, and for `after` of the older version too. If wrong:
    # nothing, the new blocks are first. Check: notion: append.
    made = append(session, parent, asked["children"], position=position)
    return {
        "object": "list",
        "results": [shown(session, record) for record in [*made, *_following(session, made)]],
        "next_cursor": None,
        "has_more": False,
        "type": "block",
        "block": {},
        "request_id": request.environ.get("sandbox.request_id"),
    }


def must_be_few(contents: list[Json]) -> None:
    """Refuses a request of more than 1,000 blocks, those inside others counted."""
    amount = block_kinds.count(contents)
    if amount > block_kinds.MOST_BLOCKS:
        raise failed("body.children.length", f"≤ `{block_kinds.MOST_BLOCKS}`", amount)


def append(
    session: Session, parent: Record, contents: list[Json], *, position: Json | None = None, quietly: bool = False
) -> list[Record]:
    """Makes checked blocks, with those below them, under a page or block; the webhooks hear of it unless `quietly`."""
    if not contents:
        return []
    if parent.kind == "block" and "rich_text" not in parent.body[parent.body["type"]] and not _holds_blocks(parent):
        # Assumed: the words that refuse children to a block that takes none. If wrong: nothing, the product gives no
        # children to such blocks. Check: none.
        raise validation(f"Block type {parent.body['type']} does not support children.")
    places = _places(session, parent, position or {"type": "end"}, len(contents))
    made = [_make(session, parent, entry, place) for entry, place in zip(contents, places, strict=True)]
    if not quietly:
        _touch_page(session, parent, made)
    return made


def place_after(session: Session, record: Record, sibling_id: str) -> None:
    """Moves an object behind one of its siblings."""
    where = {"type": "after_block", "after_block": {"id": sibling_id}}
    parent = session.parent_of(record)
    if parent is not None:
        record.position = _places(session, parent, where, 1)[0]
        session.store.save(record)


def erase(session: Session, page: Record) -> None:
    """Puts all blocks of a page into the trash."""
    for record in session.store.children(page.id, ["block"]):
        if not record.in_trash:
            record.in_trash = True
            session.save(record)


def shown(session: Session, record: Record) -> Json:
    """A block as answers have it; pages and databases are `child_page` and `child_database`."""
    if record.kind == "block":
        kind = record.body["type"]
        content = _shown_content(session, kind, record.body[kind])
    else:
        kind = f"child_{record.kind}"
        title = record.body["cells"].get("title", []) if record.kind == "page" else record.body["title"]
        content = {"title": rich_text.plain(title)}
    return {
        "object": "block",
        "id": record.id,
        "parent": session.parent(record),
        **session.stamps(record),
        "has_children": session.store.has_children(record.id),
        **session.trash(record),
        "type": kind,
        kind: content,
    }


def _following(session: Session, made: list[Record]) -> list[Record]:
    """The living siblings behind the last of the new blocks, in order."""
    if not made:
        return []
    # Assumed: siblings in the trash are not in the answer. If wrong: nothing, the new blocks are first. Check: none.
    siblings = session.store.children(made[-1].parent_id, UNDER_A_PAGE)
    return [record for record in siblings if record.position > made[-1].position and not record.in_trash]


def _holds_blocks(parent: Record) -> bool:
    return parent.body["type"] in ("table", "column_list", "column", "synced_block")


def _make(session: Session, parent: Record, entry: Json, position: float | None = None) -> Record:
    kind = block_kinds.kind_of(entry)
    content = dict(entry[kind])
    below = content.pop("children", [])
    body = {"type": kind, kind: _defaults(kind) | _kept(session, kind, content)}
    record = session.add("block", parent.id, body, position=position)
    for inner in below:
        _make(session, record, inner)
    return record


def _defaults(kind: str) -> Json:
    if kind in block_kinds.TEXT_KINDS:
        # Source: 1,860 recorded exchanges compared in November 2026: shapes of blocks.
        extra: Json = {"color": "default"} if kind not in ("code", "template") else {}
        extra |= {"is_toggleable": False} if kind.startswith("heading") else {}
        extra |= {"checked": False} if kind == "to_do" else {}
        extra |= {"icon": None} if kind == "callout" else {}
        return extra | ({"caption": []} if kind == "code" else {})
    return {"caption": []} if kind in (*block_kinds.MEDIA_KINDS, "embed", "bookmark") else {}


def _kept(session: Session, kind: str, content: Json) -> Json:
    kept = {key: value for key, value in content.items() if key not in ("external", "file_upload", "type")}
    for part in ("rich_text", "caption"):
        if part in content:
            kept[part] = rich_text.kept(content[part])
    if "cells" in content:
        kept["cells"] = [rich_text.kept(cell) for cell in content["cells"]]
    if kind in block_kinds.MEDIA_KINDS and ("external" in content or "file_upload" in content):
        kept |= files.kept(session, content) or {}
    if kind == "callout" and "icon" in content:
        kept["icon"] = files.kept(session, content["icon"])
    if kind == "link_to_page":
        kept["type"] = next(iter(kept))
    return kept


def _shown_content(session: Session, kind: str, content: Json) -> Json:
    if kind in block_kinds.MEDIA_KINDS:
        return files.shown(session, content) or {}
    if kind == "callout":
        return content | {"icon": files.shown(session, content["icon"])}
    return content


def _places(session: Session, parent: Record, position: Json, amount: int) -> list[float]:
    """Where new children stand: positions between those of their neighbours."""
    siblings = session.store.children(parent.id, UNDER_A_PAGE)
    taken = [sibling.position for sibling in siblings]
    if position["type"] == "end":
        low = taken[-1] if taken else 0.0
        high = low + amount + 1
    elif position["type"] in ("start", "page_start"):
        high = taken[0] if taken else amount + 1.0
        low = high - amount - 1
    else:
        wanted = checks.dashed(position["after_block"]["id"])
        index = next((i for i, sibling in enumerate(siblings) if sibling.id == wanted), None)
        if index is None:
            # Assumed: a position behind a block of another parent is refused with 400 in these words. If wrong: a page
            # whose block a person deleted meanwhile fails instead of being read again. Check: none.
            raise validation(f"Block to append children after ({wanted}) is not a child of the parent block.")
        low = taken[index]
        high = taken[index + 1] if index + 1 < len(taken) else low + amount + 1
    step = (high - low) / (amount + 1)
    return [low + step * (number + 1) for number in range(amount)]


def _touch_page(session: Session, record: Record, changed: list[Record] | None = None) -> None:
    page = session.page_of(record)
    if page is not None:
        session.save(page)
        blocks = [{"id": block.id, "type": "block"} for block in (changed or [record])]
        session.emit("page.content_updated", page, updated_blocks=blocks[:100])
