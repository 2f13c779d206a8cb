"""The dashboard: a connection's links, newest first, live; one link in detail; adding and retrying."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from oauth_app import identity, links, month, site_health
from oauth_app.api.schemas import FURTHEST_OFFSET, LONGEST_SEARCH, LONGEST_TAG, PAGE_SIZE, NewEntry
from oauth_app.errors import Refusal
from oauth_app.pages import forms
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services
from oauth_app.videos.jobs import media_kind
from oauth_app.views.entry import EntryView
from oauth_app.views.outcome import OutcomeView
from oauth_app.words import asset
from svp_dagster.errors import SvpError
from svp_dagster.media.kinds import UPLOADS
from svp_dagster.models import UPLOAD, Status
from svp_dagster.rows.retry import MOST_AT_ONCE
from svp_dagster.rows.spending.caps import month_of
from svp_dagster.store.connections import Connection
from svp_dagster.store.entries import Entry

blueprint = Blueprint("entries", __name__, url_prefix="/entries")

NO_PICTURE = "no-picture.svg"
PLATFORMS = ("tiktok", "instagram", UPLOAD)
"""Those that a search can be narrowed to. Other sites are few, and reached by their address."""

SHOWS: dict[str, tuple[str, tuple[Status, ...]]] = {
    "all": ("All", tuple(Status)),
    "waiting": ("In progress", tuple(status for status in Status if not status.is_final)),
    "completed": ("Completed", (Status.COMPLETED,)),
    "failed": ("Failed", (Status.FAILED,)),
}
"""The filters, by their name in the address."""


@dataclass(frozen=True, kw_only=True)
class EntryFilter:
    """The search, the filter and the page of the entries that are shown."""

    show: str
    tag: str
    platform: str
    q: str
    offset: int

    @property
    def is_plain(self) -> bool:
        """Return whether all entries are shown, from the newest on."""
        return self == EntryFilter(show="all", tag="", platform="", q="", offset=0)

    @property
    def statuses(self) -> tuple[Status, ...] | None:
        """Return the statuses to list; None for all."""
        return None if self.show == "all" else SHOWS[self.show][1]

    def address(self, endpoint: str = "entries.show", **changes: Any) -> str:
        """Return the address of this part, or of another."""
        values: dict[str, Any] = asdict(self) | changes
        plain = {"show": "all", "tag": "", "platform": "", "q": "", "offset": 0}
        return url_for(endpoint, **{name: value for name, value in values.items() if value != plain.get(name)})


@dataclass(frozen=True, kw_only=True)
class LivePart:
    """The part of the dashboard that changes by itself, and its fingerprint."""

    html: str
    seen: str


@blueprint.get("")
def show() -> str | Response:
    """The dashboard."""
    connection, databases = identity.connection(), services().store.databases
    is_set_up = databases.link_database(connection.id) is not None and databases.content_databases(connection.id)
    if connection.has_notion and not is_set_up:
        return redirect(url_for("databases.show"))
    databases.opened(connection.id, now=services().now())
    return page(connection)


@blueprint.get("/live")
def live() -> Response:
    """Return the part that changes by itself; nothing when the browser has it already (`seen`)."""
    part = _live_part(identity.connection())
    return make_response("", 204) if request.args.get("seen") == part.seen else make_response(part.html)


@blueprint.post("")
@limiter.limit(WRITE_LIMIT)
def add() -> Response | tuple[str, int]:
    """Add a link."""
    connection, given = identity.connection(), forms.given()
    try:
        new = forms.read(NewEntry, given)
        added = links.add(connection, url=new.url, tag=new.tag, processing_type=new.processing_type)
    except (Refusal, SvpError) as error:
        refused = forms.as_refusal(error)
        return page(connection, refused=refused, given=given), refused.status
    flash(f"Added. {site_health.when_it_starts(added.link.link)}", "good")
    return redirect(url_for(".show"))


@blueprint.get("/<page_id>")
def detail(page_id: str) -> str:
    """One entry: what came out of it, or how far it is."""
    entry = links.mine(identity.connection(), page_id)
    outcome = services().store.library.get(page_id)
    shown = OutcomeView(outcome=outcome) if outcome else None
    return render_template(
        "entries/detail.html",
        view=_views([entry])[0],
        shown=shown,
        media=media_kind(entry),
        addresses=_addresses(page_id),
    )


@blueprint.get("/<page_id>/thumbnail")
def thumbnail(page_id: str) -> Response:
    """The small picture of a video, or a drawing where there is none (yet) or it is out of reach."""
    entry = links.mine(identity.connection(), page_id)
    try:
        jpeg = services().thumbnails.get(entry.media_key) if entry.media_key else None
    except SvpError:
        jpeg = None  # a storage that doesn't answer costs the picture alone
    return make_response(jpeg, {"Content-Type": "image/jpeg"}) if jpeg else redirect(asset(NO_PICTURE))


@blueprint.post("/retry")
@limiter.limit(WRITE_LIMIT)
def retry_failed() -> Response:
    """Retry all links that failed for good, with a tag or with any."""
    tag = request.form.get("tag", "")[:LONGEST_TAG]
    try:
        asked, left = links.retry_failed(identity.connection(), tag=tag or None, code=None)
    except Refusal as refused:
        flash(refused.message, "bad")
        return redirect(url_for(".show"))
    if asked:
        more = f" {left} more are left." if left else ""
        flash(f"Asked again for {asked}. They start by themselves, a few at a time.{more}", "good")
    else:
        flash("None was left to try again.", "attention")
    return redirect(url_for(".show", show="waiting", tag=tag or None))


@blueprint.post("/<page_id>/retry")
@limiter.limit(WRITE_LIMIT)
def retry(page_id: str) -> Response:
    """Retry a failed link."""
    connection = identity.connection()
    try:
        asked = links.retry(connection, links.mine(connection, page_id))
    except (Refusal, SvpError) as error:
        flash(forms.as_refusal(error).message, "bad")
    else:
        flash(f"Asked again. {site_health.when_it_starts(asked.link.link)}", "good")
    from_list = request.form.get("from") == "list"
    return redirect(url_for(".show") if from_list else url_for(".detail", page_id=page_id))


@blueprint.post("/<page_id>/delete")
@limiter.limit(WRITE_LIMIT)
def delete(page_id: str) -> Response:
    """Delete an entry that has no row in Notion."""
    entry = links.mine(identity.connection(), page_id)
    try:
        links.delete(entry)
    except Refusal as refused:
        flash(refused.message, "bad")
        return redirect(url_for(".detail", page_id=page_id))
    flash("Deleted, with all that was made of it.", "good")
    return redirect(url_for(".show"))


@blueprint.get("/<page_id>/notion")
def at_notion(page_id: str) -> Response:
    """Redirect to the row at Notion."""
    connection = identity.connection()
    return redirect(links.address_at_notion(connection, links.mine(connection, page_id)))


def page(
    connection: Connection,
    *,
    refused: Refusal | None = None,
    given: dict[str, str] | None = None,
    upload_refused: Refusal | None = None,
) -> str:
    """Return the dashboard, with what was wrong with a form of it."""
    databases = services().store.databases
    return render_template(
        "entries/show.html",
        link_database=databases.link_database(connection.id),
        tags=[database.tag for database in databases.content_databases(connection.id)],
        shown=_entry_filter(),
        platforms=PLATFORMS,
        live=Markup(_live_part(connection).html),  # noqa: S704 (our own template made it)
        refused=refused,
        upload_refused=upload_refused,
        given=given or {},
        accepted=",".join(kind.suffix for kind in UPLOADS),
        max_size_bytes=services().settings.max_size_bytes,
    )


def _addresses(page_id: str) -> dict[str, str]:
    """Return where the files of an entry are, by their names."""
    names = {
        "media": "api_media.show",
        "sheet": "api_library.show_sheet",
        "txt": "api_library.show_text",
        "vtt": "api_library.show_vtt",
        "srt": "api_library.show_srt",
        "json": "api_library.show_json",
        "md": "api_library.show_markdown",
    }
    files = {name: url_for(endpoint, entry_id=page_id) for name, endpoint in names.items()}
    return files | {"thumbnail": url_for(".thumbnail", page_id=page_id)}


def _live_part(connection: Connection) -> LivePart:
    found, shown = services(), _entry_filter()
    entries, total = found.store.entries.page(
        connection.id,
        statuses=shown.statuses,
        tag=shown.tag or None,
        platform=shown.platform or None,
        text=shown.q,
        offset=shown.offset,
        limit=PAGE_SIZE,
    )
    page_ids = [entry.link.page_id for entry in entries]
    counts = found.store.entries.counts(connection.id, tag=shown.tag or None)
    since, until = month_of(found.now())
    values = {
        "paused": site_health.paused(),
        "views": _views(entries),
        "snippets": found.store.library.snippets(page_ids, shown.q) if shown.q else {},
        "total": total,
        "retryable": _retryable(connection, shown),
        "most_at_once": MOST_AT_ONCE,
        "shown": shown,
        "shows": {
            name: (words, sum(counts[status] for status in statuses)) for name, (words, statuses) in SHOWS.items()
        },
        "month": month.draw(found.store.history.days(connection.id, since=since, until=until), now=found.now()),
        "link_database": found.store.databases.link_database(connection.id),
        "page_size": PAGE_SIZE,
    }
    seen = hashlib.sha256(render_template("entries/_live.html", **values, seen="").encode()).hexdigest()[:16]
    return LivePart(html=render_template("entries/_live.html", **values, seen=seen), seen=seen)


def _retryable(connection: Connection, shown: EntryFilter) -> int:
    """Return how many of the links that are shown can be retried all at once."""
    if shown.show != "failed":
        return 0
    return services().store.sweep.failed_of(connection.id, tag=shown.tag or None, code=None, limit=0)[1]


def _entry_filter() -> EntryFilter:
    name, offset = request.args.get("show", "all"), request.args.get("offset", 0, type=int)
    return EntryFilter(
        show=name if name in SHOWS else "all",
        tag=request.args.get("tag", "")[:LONGEST_TAG],
        platform=request.args.get("platform", "")[:LONGEST_TAG],
        q=request.args.get("q", "").strip()[:LONGEST_SEARCH],
        offset=min(max(offset, 0), FURTHEST_OFFSET),
    )


def _views(entries: list[Entry]) -> list[EntryView]:
    costs = services().store.entries.costs([entry.link.page_id for entry in entries])
    return [_view(entry, costs.get(entry.link.page_id)) for entry in entries]


def _view(entry: Entry, cost: tuple[float, bool] | None) -> EntryView:
    settings = services().settings
    return EntryView(
        entry=entry,
        cost_usd=cost[0] if cost else None,
        cost_known=cost is None or cost[1],
        run_url=f"{settings.dagster_address.rstrip('/')}/runs/{entry.run_id}" if entry.run_id else None,
    )
