"""Link entries by API."""

from __future__ import annotations

from flask import Blueprint, Response

from oauth_app import identity, links
from oauth_app.api.guard import operation
from oauth_app.api.outcomes import EntriesAnswer, EntryWithOutcome, ListedEntry
from oauth_app.api.schemas import EntryAnswer, EntryQuery, NewEntry, RetriedAnswer, RetryFailed
from oauth_app.description import answers
from oauth_app.errors import Refusal
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_entries", __name__, url_prefix="/api/entries")

TAG = "Link entries"


@blueprint.get("")
@operation(Scope.READ, resp=answers(200, EntriesAnswer, 401, 422), tags=[TAG])
def list_entries(query: EntryQuery) -> EntriesAnswer:
    """The link entries, newest first; those whose outcome has all words of `q`, where there are any."""
    entries, total = services().store.entries.page(
        identity.connection().id,
        statuses=None if query.status is None else [query.status],
        tag=query.tag,
        platform=query.platform,
        text=query.q,
        offset=query.offset,
        limit=query.limit,
    )
    ids = [entry.link.page_id for entry in entries]
    costs = services().store.entries.costs(ids)
    snippets = services().store.library.snippets(ids, query.q) if query.q.strip() else {}
    shown = (ListedEntry.of(entry, costs.get(entry.link.page_id, (0.0, True))) for entry in entries)
    found = tuple(one.model_copy(update={"snippet": snippets.get(one.id, ())}) for one in shown)
    return EntriesAnswer(entries=found, total=total, offset=query.offset, limit=query.limit)


@blueprint.post("")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.ADD_LINKS, resp=answers(201, EntryAnswer, 401, 404, 409, 422), tags=[TAG])
def add_entry(json: NewEntry) -> tuple[EntryAnswer, int]:
    """Add a link: a row of the Link Database, or without a tag an entry of the library. Worked on within seconds."""
    entry = links.add(identity.connection(), url=json.url, tag=json.tag, processing_type=json.processing_type)
    return EntryAnswer.of(entry), 201


@blueprint.post("/retry")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.ADD_LINKS, resp=answers(202, RetriedAnswer, 401, 409, 422), tags=[TAG])
def retry_failed(json: RetryFailed) -> tuple[RetriedAnswer, int]:
    """Ask again for the links that failed for good, 500 at a time. Their rows are set back within minutes."""
    asked, left = links.retry_failed(identity.connection(), tag=json.tag, code=json.code)
    return RetriedAnswer(asked=asked, left=left), 202


@blueprint.get("/<entry_id>")
@operation(Scope.READ, resp=answers(200, EntryWithOutcome, 401, 404), tags=[TAG])
def show_entry(entry_id: str) -> EntryWithOutcome:
    """One link entry with what came out of it."""
    entry = links.mine(identity.connection(), entry_id)
    costs = services().store.entries.costs([entry_id])
    outcome = services().store.library.get(entry_id)
    return EntryWithOutcome.whole(entry, costs.get(entry_id, (0.0, True)), outcome)


@blueprint.delete("/<entry_id>")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(204, None, 401, 404, 409), tags=[TAG])
def delete_entry(entry_id: str) -> tuple[str, int]:
    """Delete an entry that has no row in Notion with all that was made of it. A page in Notion stays."""
    links.delete(links.mine(identity.connection(), entry_id))
    return "", 204


@blueprint.post("/<entry_id>/retry")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.ADD_LINKS, resp=answers(202, EntryAnswer, 401, 404, 409, 422), tags=[TAG])
def retry_entry(entry_id: str) -> tuple[EntryAnswer, int]:
    """Ask for a failed link again: its row is set back to pending."""
    entry = links.retry(identity.connection(), links.mine(identity.connection(), entry_id))
    return EntryAnswer.of(entry), 202


@blueprint.get("/<entry_id>/thumbnail.jpg")
@operation(Scope.READ, resp=answers(200, None, 401, 404), tags=[TAG])
def show_thumbnail(entry_id: str) -> Response:
    """The video's small picture, a JPEG."""
    entry = links.mine(identity.connection(), entry_id)
    jpeg = services().thumbnails.get(entry.media_key) if entry.media_key else None
    if jpeg is None:
        raise Refusal(404, "no_picture", "There is no picture of this link.", entry=entry)
    return Response(jpeg, mimetype="image/jpeg")
