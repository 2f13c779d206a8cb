"""A row that a run holds: what the run may do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from svp_dagster.download.kept_media import without_files
from svp_dagster.errors import Code, failure
from svp_dagster.library.files import without_path, write_files
from svp_dagster.models import ContentPage, Link, LinkEntry, Outcome, Status, Video
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rows import InvalidRow
from svp_dagster.publish.stage import Place
from svp_dagster.rows.destination import Destination, read_destination, show_notes_destination
from svp_dagster.rows.kept_contents import KeptContents
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.redos.kept_posts import HEARD_AND_READ, kept_post
from svp_dagster.rows.spending.meter import RowMeter
from svp_dagster.store.entries import Entry, PageTaken
from svp_dagster.summary.spelling import spelled
from svp_dagster.telemetry.outcomes import count_completed


def hold(rows: LinkRows, page_id: str, run_id: str, *, may_take_over: Callable[[str], bool]) -> HeldRow:
    """Claim a row for a run. The same run may do so any number of times. Raises `ClaimLost`, `EntryGone`."""
    entry = rows.store.entries.claim(page_id, run_id, may_take_over=may_take_over, now=_now())
    return HeldRow(rows=rows, entry=entry, run_id=run_id)


class HeldRow:
    """A row that a run holds. Each write raises `ClaimLost` once the claim is gone."""

    def __init__(self, *, rows: LinkRows, entry: Entry, run_id: str) -> None:
        self.link: LinkEntry = entry.link
        self.run_id = run_id
        self.entry = entry
        self._rows = rows
        self._entries = rows.store.entries

    @property
    def is_in_redo(self) -> bool:
        """Whether the page of a completed row is made again. The row shows nothing of it."""
        return self.entry.is_in_redo

    @property
    def workspace(self) -> Workspace:
        """The Notion workspace that the row is in."""
        return self._rows.workspace(self.link.connection_id)

    @property
    def post(self) -> Link:
        """The link of the post to download. Raises `unsupported_link` for a row that was edited to hold none."""
        if self.link.link is None:
            reason = "the url column no longer holds the link of one post"
            raise failure(Code.UNSUPPORTED_LINK, reason=reason, detail=reason)
        return self.link.link

    def preflight(self) -> Destination:
        """Return where the page goes, read once, before anything is paid.

        A direct entry without a tag has no page, and gets show notes. Raises `unknown_tag`, `database_not_shared`,
        `schema_changed`, and `page_gone` in a redo.
        """
        if not (self.link.has_row or self.link.tag):
            return show_notes_destination()
        database = self._rows.store.databases.for_tag(self.link.connection_id, self.link.tag)
        if database is None:
            raise failure(Code.UNKNOWN_TAG, reason=f"No Content Database is registered for the tag “{self.link.tag}”")
        destination = read_destination(database, self.workspace)
        if self.is_in_redo:
            page_id = self.place(destination).known_page_id
            if page_id is None or self.workspace.content_page(page_id) is None:
                raise failure(Code.PAGE_GONE, detail=f"page {page_id}")
        return destination

    def kept_post(self) -> Video | None:
        """Return the post of a row in a redo without its files, if its page needs none of them."""
        if not self.is_in_redo or self.entry.media_key is None:
            return None
        return kept_post(self.contents(), self.entry.media_key, self.link.processing_type)

    def require_unchanged(self) -> None:
        """Check that the row in Notion is as it was when the run started. Raises `row_changed`, `row_gone`.

        A redo updates the page of what the row said when it was completed. A direct entry has no row to change.
        """
        if self.is_in_redo or not self.link.has_row:
            return
        row = self.workspace.row(self.link.page_id)
        if isinstance(row, InvalidRow) or row.url != self.link.url or row.tag != self.link.tag:
            column = "tag" if isinstance(row, LinkEntry) and row.url == self.link.url else "link"
            raise failure(Code.ROW_CHANGED, column=column, retry_after_s=0.0)

    def place(self, destination: Destination) -> Place:
        """Return where the row's page belongs."""
        entry, columns = self.entry, destination.columns
        is_there = entry.content_data_source_id == columns.data_source_id
        return Place(
            columns=columns,
            hidden_relations=destination.hidden_relations,
            known_page_id=entry.content_page_id if is_there else None,
            pages_of_others=frozenset(self._entries.pages_of_others(entry)),
            asked_at=entry.created_at,
            update_only=self.is_in_redo,
        )

    def meter(self) -> RowMeter:
        """Return the meter of this row. Raises `misconfigured` for an unusable price file."""
        return RowMeter(
            self._rows.store,
            link=self.link,
            run_id=self.run_id,
            prices=self._rows.prices,
            caps=self._rows.caps,
            writes=self._rows.writes,
        )

    def contents(self) -> KeptContents:
        """Return the results kept by content."""
        of_any_recipe = HEARD_AND_READ if self.is_in_redo else frozenset[str]()
        return KeptContents(self._rows.store, self._rows.writes, page_id=self.link.page_id, of_any_recipe=of_any_recipe)

    def output_language(self) -> str | None:
        """Return the language of the summary: the connection's, else the installation's; None for the video's own."""
        connection = self._rows.store.connections.get(self.link.connection_id)
        return (connection.output_language if connection else "") or self._rows.output_language or None

    def enter(self, status: Status) -> None:
        """Record the stage that the row is at. One in a redo stays completed, here and in Notion."""
        if self.is_in_redo:
            return
        self.entry = self._entries.set_status(self.link.page_id, self.run_id, status, now=_now())
        self._rows.sync_status_async(self.entry)

    def keep_thumbnail(self, video: Video, jpeg: bytes | None) -> None:
        """Store a thumbnail for the dashboard. It belongs to the rows that are noted to have this video."""
        if jpeg:
            self._rows.thumbnails.put(video.media_key, jpeg)

    def note(
        self, *, stage: str, seconds: float, engine: str = "", media_key: str | None = None, title: str | None = None
    ) -> None:
        """Record what a stage found out and how long it took."""
        self.entry = self._entries.note(
            self.link.page_id,
            self.run_id,
            stage=stage,
            seconds=seconds,
            engine=engine,
            media_key=media_key,
            title=title,
        )

    def keep_outcome(self, outcome: Outcome) -> None:
        """Keep what came out in the library, and then its files in the storage.

        The transcript is spelled as on the page, by the captions on the screen.
        """
        sheet = outcome.screen_text.sheet
        lasting = Outcome(
            video=without_files(outcome.video),
            transcript=spelled(outcome.transcript, outcome.screen_text).transcript,
            screen_text=without_path(outcome.screen_text),
            summary=outcome.summary,
        )
        kept = self._rows.store.library.keep(self.link.page_id, self.run_id, lasting, now=_now())
        write_files(self._rows.storage, self.link.page_id, kept, sheet=sheet.path if sheet else None)

    def made(self, page: ContentPage, *, data_source_id: str) -> bool:
        """Record which page was made, before the row is completed. Return False where it is another entry's."""
        try:
            self.entry = self._entries.set_content_page(
                self.link.page_id, self.run_id, page, data_source_id=data_source_id
            )
        except PageTaken:
            return False
        return True

    def complete(self, destination: Destination) -> None:
        """Complete the row, and wait for one attempt to sync its status, which a redo didn't change."""
        self.entry = self._entries.complete(self.link.page_id, self.run_id, made_for=destination.made_for, now=_now())
        count_completed(self.link, again=self.entry.redo_outcome is not None)
        self._rows.sync_status_async(self.entry).result()


def _now() -> datetime:
    return datetime.now(UTC)
