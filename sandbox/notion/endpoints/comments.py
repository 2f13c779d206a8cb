"""Comments on pages and blocks, in discussions."""

from functools import partial

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.content import files, rich_text
from sandbox.notion.endpoints import incoming
from sandbox.notion.errors import failed, validation
from sandbox.notion.state.session import Session, answer_list, new_id
from sandbox.notion.state.store import Json, Record

routes = Blueprint("comments", __name__, url_prefix="/v1/comments")

# Source: developers.notion.com/reference/create-a-comment; Notion's OpenAPI description of 2026-03.
_attachment = checks.record({"file_upload_id": checks.identifier}, {"type": checks.choice("file_upload")})
_named = checks.record(
    {"type": checks.choice("integration", "user", "custom")},
    {"custom": checks.record({"name": checks.text(shortest=1)})},
)
_new = checks.record(
    {},
    {
        "rich_text": rich_text.rich_text,
        "markdown": checks.text(shortest=1),
        "parent": checks.variant({"page_id": checks.identifier, "block_id": checks.identifier}),
        "discussion_id": checks.identifier,
        "attachments": checks.array(_attachment, longest=3),
        "display_name": _named,
    },
)


@routes.post("")
def create_comment() -> Json:
    """POST /v1/comments: in a discussion, or a new one on a page or block."""
    session = incoming.session()
    return shown(session, create(session, incoming.body(_new)))


@routes.get("")
def list_comments() -> Json:
    """GET /v1/comments?block_id=: those of a page or block, oldest first."""
    session = incoming.session()
    cursor, size = incoming.page_asked()
    target = session.find_block(request.args.get("block_id", ""))
    # Assumed: of comments the oldest comes first. If wrong: a comment of ours that was sent twice is not noticed.
    # Check: none.
    return answer_list(
        session.store.children(target.id, ["comment"]),
        keep=lambda record: not record.in_trash,
        show=partial(shown, session),
        kind="comment",
        cursor=cursor,
        size=size,
    )


@routes.get("/<comment_id>")
def retrieve_comment(comment_id: str) -> Json:
    """GET /v1/comments/{id}."""
    session = incoming.session()
    return shown(session, session.find("comment", comment_id))


def create(session: Session, asked: Json) -> Record:
    """Makes the comment of a checked request."""
    if ("parent" in asked) == ("discussion_id" in asked):
        raise failed("body.parent", "defined, or body.discussion_id, not both", asked.get("parent"))
    words = asked.get("rich_text") or rich_text.from_text(asked.get("markdown", ""))
    if not words:
        raise failed("body.rich_text", "defined")
    if "parent" in asked:
        target = session.find_block(asked["parent"].get("page_id") or asked["parent"]["block_id"])
        discussion = new_id()
    else:
        target, discussion = _discussed(session, asked["discussion_id"])
    session.must_be_alive(target)
    body = {
        "rich_text": rich_text.kept(words),
        "discussion_id": discussion,
        "name": asked.get("display_name", {}).get("custom", {}).get("name"),
        "attachments": [files.attached(session, entry["file_upload_id"]) for entry in asked.get("attachments", [])],
    }
    made = session.add("comment", target.id, body)
    session.emit("comment.created", made)
    return made


def shown(session: Session, comment: Record) -> Json:
    """A comment as answers have it."""
    parent = session.parent_of(comment)
    name = "page_id" if parent is not None and parent.kind == "page" else "block_id"
    custom = comment.body["name"]
    return {
        "object": "comment",
        "id": comment.id,
        "parent": {"type": name, name: comment.parent_id},
        "discussion_id": comment.body["discussion_id"],
        "created_time": session.time(comment.created_time),
        "last_edited_time": session.time(comment.edited_time),
        "created_by": {"object": "user", "id": comment.created_by},
        "rich_text": comment.body["rich_text"],
        "display_name": {"type": "custom" if custom else "integration", "resolved_name": custom},
    }


def _discussed(session: Session, discussion_id: str) -> tuple[Record, str]:
    wanted = checks.dashed(discussion_id)
    for comment in session.store.all_of(session.workspace_id, ["comment"]):
        parent = session.parent_of(comment)
        if comment.body["discussion_id"] == wanted and parent is not None and session.sees(parent):
            return parent, str(wanted)
    # Assumed: the words that refuse an unknown discussion. If wrong: nothing, the product starts discussions only.
    # Check: none.
    raise validation(f"Could not find discussion with ID: {wanted}")
