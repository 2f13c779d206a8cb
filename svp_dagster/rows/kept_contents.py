"""Results of stages, kept in the store by content."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial

from pydantic import ValidationError

from svp_dagster.errors import EntryGone
from svp_dagster.models import JsonObject, Value
from svp_dagster.ports import Kept
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.store.store import Store

logger = logging.getLogger(__name__)


class KeptContents:
    """Implements `svp_dagster.ports.Contents` with the store, for one row.

    Of the kinds in `of_any_recipe` the newest result serves, whichever engine made it.
    """

    def __init__(
        self, store: Store, writes: DeferredWrites, *, page_id: str, of_any_recipe: Collection[str] = ()
    ) -> None:
        self._contents = store.contents
        self._writes = writes
        self._page_id = page_id
        self._of_any_recipe = of_any_recipe

    def get(self, media_key: str, kind: str, recipe: str, shape: type[Kept]) -> Kept | None:
        """Return the kept result, or None if there is none of this shape. Raises `EntryGone`."""
        if kind in self._of_any_recipe:
            kept = self._contents.latest(media_key, kind, page_id=self._page_id)
        else:
            kept = self._contents.get(media_key, kind, recipe, page_id=self._page_id)
        try:
            return None if kept is None else shape.model_validate(kept)
        except ValidationError:  # kept by another version of this program
            return None

    def put(self, media_key: str, kind: str, recipe: str, value: Value) -> None:
        """Keep a result, later if the store is unreachable, and not if the row is gone."""
        put = partial(self._put, media_key, kind, recipe, value.model_dump(mode="json"), now=datetime.now(UTC))
        self._writes.write(f"the {kind} of {media_key}", put)

    def _put(self, media_key: str, kind: str, recipe: str, value: JsonObject, *, now: datetime) -> None:
        try:
            self._contents.put(media_key, kind, recipe, value, page_id=self._page_id, now=now)
        except EntryGone:
            logger.info("row %s is gone: its %s isn't kept", self._page_id, kind)
