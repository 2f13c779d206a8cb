"""The body of a page, brought up to date in place.

Blocks are dear in small workspaces and deleting gives none back: changed ones are updated, missing ones are added,
surplus ones deleted. Blocks that people or other connections wrote stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from svp_dagster.errors import SvpError
from svp_dagster.models import JsonObject
from svp_dagster.notion.blocks import batches, children, likeness, says, without_children
from svp_dagster.notion.client.failures import CONTENT_PAGE
from svp_dagster.notion.client.http import Call, Calls, read, results

MOST_BLOCKS = 5000
"""Most blocks of one parent that are looked at."""


class PageBody:
    """The blocks that the connection's bot wrote on pages. `ready` makes blocks ready to be sent, files uploaded."""

    def __init__(self, calls: Calls, *, bot_id: str, ready: Callable[[Sequence[JsonObject]], list[JsonObject]]) -> None:
        self._calls = calls
        self._bot_id = bot_id
        self._ready = ready

    def replace(self, parent_id: str, wanted: Sequence[JsonObject]) -> None:
        """Make the bot's blocks below a page or block say what `wanted` says, with as few changes as possible."""
        present = self._list(parent_id)
        known = {block["id"] for block in present}
        ours = [block for block in present if self._is_ours(block)]
        before, after = [likeness(block) for block in ours], [likeness(block) for block in wanted]
        last_id: str | None = None
        for change, old_from, old_to, new_from, new_to in SequenceMatcher(None, before, after, False).get_opcodes():
            old, new = ours[old_from:old_to], list(wanted[new_from:new_to])
            if change == "equal":
                for was, becomes in zip(old, new, strict=True):
                    self._update(was, becomes)
                last_id = old[-1]["id"]
                continue
            if new:
                last_id = self._append(parent_id, new, after_id=last_id, at_start=bool(ours), known=known)
            for block in old:
                self._delete(block["id"])

    def _update(self, was: JsonObject, becomes: JsonObject) -> None:
        if says(was) != says(becomes):
            for ready in self._ready([without_children(becomes)]):
                path = f"blocks/{was['id']}"
                self._calls.send(Call(method="PATCH", path=path, body=ready, subject=CONTENT_PAGE))
        if children(becomes) or was.get("has_children"):
            self.replace(was["id"], children(becomes))

    def _append(
        self, parent_id: str, blocks: list[JsonObject], *, after_id: str | None, at_start: bool, known: set[str]
    ) -> str | None:
        """Add blocks behind one, or at the start or end; returns the last one's id. `known` are all that were there."""
        position: JsonObject = {"type": "start" if at_start else "end"}
        if after_id is not None:
            position = {"type": "after_block", "after_block": {"id": after_id}}
        last_id = after_id
        for batch in batches(self._ready(blocks)):
            made = self._append_batch(parent_id, batch, position=position, known=known)
            known.update(block["id"] for block in made)
            last_id = made[-1]["id"]
            position = {"type": "after_block", "after_block": {"id": last_id}}
        return last_id

    def _append_batch(
        self, parent_id: str, batch: list[JsonObject], *, position: JsonObject, known: set[str]
    ) -> list[JsonObject]:
        def look() -> JsonObject | None:
            fresh = [block for block in self._list(parent_id) if block["id"] not in known and self._is_ours(block)]
            return {"results": fresh} if len(fresh) >= len(batch) else None

        answer = self._calls.send_once(
            Call(
                method="PATCH",
                path=f"blocks/{parent_id}/children",
                body={"children": batch, "position": position},
                subject=CONTENT_PAGE,
            ),
            look=look,
        )
        return read(lambda given: [{"id": block["id"]} for block in results(given)][-len(batch) :], answer)

    def _delete(self, block_id: str) -> None:
        try:
            self._calls.send(Call(method="DELETE", path=f"blocks/{block_id}", subject=CONTENT_PAGE))
        except SvpError as error:
            if error.code is not CONTENT_PAGE.gone:  # gone is what was wanted
                raise

    def _list(self, parent_id: str) -> list[JsonObject]:
        call = Call(method="GET", path=f"blocks/{parent_id}/children", subject=CONTENT_PAGE)
        found = self._calls.objects(call, limit=MOST_BLOCKS)
        return [block for block in found if read(lambda one: one["id"] and likeness(one), block)]

    def _is_ours(self, block: JsonObject) -> bool:
        return bool((block.get("created_by") or {}).get("id") == self._bot_id)
