"""One caller's view of the store: what it sees, what it changes, and what others are told of it."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sandbox.notion.checks import dashed
from sandbox.notion.errors import archived, archived_ancestor, failed, not_found
from sandbox.notion.state.store import Json, Kind, Record, Store

# Source: developers.notion.com/reference/changes-by-version.
LATEST_VERSION = "2026-03-11"
VERSIONS = ("2025-09-03", LATEST_VERSION)


def new_id() -> str:
    """A random UUID, which is what every id of Notion's is."""
    raw = secrets.token_hex(16)
    return dashed(raw[:12] + "4" + raw[13:16] + "a" + raw[17:]) or raw


@dataclass
class Clock:
    """The sandbox's time: the computer's, moved forward by `ahead` where a test waits for something to expire."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Event:
    """A change that webhooks tell of; `type` and `data` as Notion has them."""

    type: str
    entity_type: str
    entity_id: str
    workspace_id: str
    author_id: str
    author_type: str
    data: Json


@dataclass
class Session:
    """A caller in a workspace: a bot, which sees what was shared with it, or the workspace's person, who sees all.

    `base_url` is where the sandbox is reached (pages link there). With `exact_times` the times in answers are
    exact; without, they are cut to the minute as Notion's are.
    """

    store: Store
    clock: Clock
    workspace_id: str
    actor_id: str
    is_bot: bool
    base_url: str
    version: str = LATEST_VERSION
    exact_times: bool = False
    query_limit: int = 10_000
    events: list[Event] = field(default_factory=list)
    _visible: dict[str, bool] = field(default_factory=dict)

    # What the caller sees

    def find(self, kind: Kind, object_id: str) -> Record:
        """The object, or `object_not_found` where there is none or it is not shared with the caller."""
        canonical = dashed(object_id)
        if canonical is None:
            raise failed(f"path.{kind}_id", "a valid uuid", object_id)
        record = self.store.get(canonical)
        if record is None or record.kind != kind or not self.sees(record):
            raise not_found(kind, canonical)
        return record

    def find_block(self, object_id: str) -> Record:
        """A block, or a page or database, which are blocks too."""
        record = self.store.get(dashed(object_id) or "")
        if record is not None and record.kind in ("page", "database") and self.sees(record):
            return record
        return self.find("block", object_id)

    def sees(self, record: Record) -> bool:
        """Whether the object is in the caller's workspace and it, or something above it, is shared with the bot."""
        if record.workspace_id != self.workspace_id:
            return False
        # Source: developers.notion.com/docs/authorization: a connection sees what was shared with it and all below.
        if not self.is_bot:
            return True
        if record.id not in self._visible:
            self._visible[record.id] = self._granted(record.id) or self._sees_parent(record)
        return self._visible[record.id]

    def _granted(self, object_id: str) -> bool:
        statement = "SELECT 1 FROM grants WHERE bot_id=? AND object_id=?"
        return self.store.row(statement, self.actor_id, object_id) is not None

    def _sees_parent(self, record: Record) -> bool:
        parent = self.parent_of(record)
        return parent is not None and self.sees(parent)

    def parent_of(self, record: Record) -> Record | None:
        """What the object hangs under; None at the top of the workspace."""
        return None if record.parent_id is None else self.store.get(record.parent_id)

    def page_of(self, record: Record) -> Record | None:
        """The page that a block or comment stands on, or the page itself."""
        current: Record | None = record
        while current is not None and current.kind != "page":
            current = self.parent_of(current)
        return current

    def ancestor_in_trash(self, record: Record) -> bool:
        """Whether something above the object is in the trash."""
        parent = self.parent_of(record)
        return parent is not None and (parent.in_trash or self.ancestor_in_trash(parent))

    def must_be_alive(self, record: Record) -> None:
        """Refuses the change of an object that is in the trash, or under something that is."""
        if record.in_trash:
            raise archived()
        if self.ancestor_in_trash(record):
            raise archived_ancestor()

    # What the caller changes

    def add(self, kind: Kind, parent_id: str | None, body: Json, *, position: float | None = None) -> Record:
        """Makes an object, behind its siblings unless `position` says otherwise.

        What a bot makes at the top of the workspace is shared with it.
        """
        now = self.clock.now()
        record = Record(
            id=new_id(),
            kind=kind,
            workspace_id=self.workspace_id,
            parent_id=parent_id,
            created_time=now,
            edited_time=now,
            created_by=self.actor_id,
            edited_by=self.actor_id,
            body=body,
            position=self.store.next_position(parent_id) if position is None else position,
        )
        self.store.add(record)
        # Assumed: what a bot makes at the top of the workspace is shared with it. If wrong: nothing, the product makes
        # nothing there. Check: none.
        if parent_id is None and self.is_bot:
            self.store.execute("INSERT OR IGNORE INTO grants VALUES (?, ?)", self.actor_id, record.id)
        return record

    def save(self, record: Record) -> None:
        """Writes an object back as edited now by the caller."""
        record.edited_time = self.clock.now()
        record.edited_by = self.actor_id
        self.store.save(record)

    def emit(self, event_type: str, record: Record, **data: Any) -> None:
        """Tells the webhooks of a change, once the request has succeeded."""
        parent = self.parent_of(record)
        told: Json = {"parent": {"id": self.workspace_id, "type": "space"}}
        if parent is not None and parent.kind == "data_source":
            told["parent"] = {"id": parent.parent_id, "type": "database", "data_source_id": parent.id}
        elif parent is not None:
            told["parent"] = {"id": parent.id, "type": parent.kind}
        self.events.append(
            Event(
                type=event_type,
                entity_type=record.kind,
                entity_id=record.id,
                workspace_id=self.workspace_id,
                author_id=self.actor_id,
                author_type="bot" if self.is_bot else "person",
                data=told | data,
            )
        )

    # How things are shown

    def time(self, moment: datetime) -> str:
        """A time as answers have it: `2026-11-20T10:15:00.000Z`."""
        return self.rounded(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def rounded(self, moment: datetime) -> datetime:
        """A time cut to the minute, unless times are exact."""
        # Source: 1,860 recorded exchanges compared in November 2026: times are cut to the minute.
        return moment if self.exact_times else moment.replace(second=0, microsecond=0)

    def stamps(self, record: Record) -> Json:
        """The four fields that tell when and by whom."""
        return {
            "created_time": self.time(record.created_time),
            "created_by": {"object": "user", "id": record.created_by},
            "last_edited_time": self.time(record.edited_time),
            "last_edited_by": {"object": "user", "id": record.edited_by},
        }

    def trash(self, record: Record) -> Json:
        """`in_trash`, and its older name beside it for callers of the older version.

        A data source is in the trash with its database, or with the page that this stands on.
        """
        in_trash = record.in_trash or (record.kind == "data_source" and self.ancestor_in_trash(record))
        shown = {"in_trash": in_trash}
        return shown if self.version == LATEST_VERSION else shown | {"archived": in_trash}

    def parent(self, record: Record) -> Json:
        """The `parent` of an answer."""
        parent = self.parent_of(record)
        if parent is None:
            return {"type": "workspace", "workspace": True}
        name = f"{parent.kind}_id"
        shown: Json = {"type": name, name: parent.id}
        return shown | {"database_id": parent.parent_id} if parent.kind == "data_source" else shown

    def url(self, record: Record, title: str = "") -> str:
        """Where a person sees a page, database or data source in the sandbox."""
        bare = record.id.replace("-", "")
        if record.kind != "page":
            return f"{self.base_url}/d/{bare}"
        slug = "-".join("".join(c if c.isalnum() else " " for c in title).split())[:80]
        return f"{self.base_url}/p/{quote(slug)}-{bare}" if slug else f"{self.base_url}/p/{bare}"


def answer_list(
    items: Sequence[Record],
    *,
    keep: Callable[[Record], bool],
    show: Callable[[Record], Json],
    kind: str,
    cursor: str | None,
    size: int | None,
) -> Json:
    """One page of a list: from the item whose id is `cursor`, `size` (at most 100) items that `keep` wants.

    The cursor is looked for among all items, wanted or not, so that a list which is read while its items change
    skips none and repeats none. Raises a validation error for a cursor that names nothing here.
    """
    start = 0
    if cursor is not None:
        wanted = dashed(cursor)
        start = next((index for index, item in enumerate(items) if item.id == wanted), -1)
        if start < 0:
            raise failed("body.start_cursor", "a valid cursor", cursor)
    kept = (item for item in items[start:] if keep(item))
    taken = [item for item, _ in zip(kept, range((size or 100) + 1), strict=False)]
    page, beyond = taken[: size or 100], taken[size or 100 :]
    return {
        "object": "list",
        "results": [show(item) for item in page],
        "next_cursor": beyond[0].id if beyond else None,
        "has_more": bool(beyond),
        "type": kind,
        kind: {},
    }
