"""Results of stages, kept in the store by content."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from pydantic import ValidationError

from svp_dagster.models import Value
from svp_dagster.ports import Kept
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.store.store import Store


class KeptContents:
    """Implements `svp_dagster.ports.Contents` with the store."""

    def __init__(self, store: Store, writes: DeferredWrites) -> None:
        self._contents = store.contents
        self._writes = writes

    def get(self, media_key: str, kind: str, recipe: str, shape: type[Kept]) -> Kept | None:
        """Return the kept result, or None if there is none of this shape."""
        kept = self._contents.get(media_key, kind, recipe)
        try:
            return None if kept is None else shape.model_validate(kept)
        except ValidationError:  # kept by another version of this program
            return None

    def put(self, media_key: str, kind: str, recipe: str, value: Value) -> None:
        """Keep a result, later if the store is unreachable."""
        put = partial(self._contents.put, media_key, kind, recipe, value.model_dump(mode="json"), now=datetime.now(UTC))
        self._writes.write(f"the {kind} of {media_key}", put)
