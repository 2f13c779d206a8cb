"""The body of a page, updated in place.

Blocks are scarce in small workspaces, and deleting gives none back: changed blocks are updated, missing ones added,
surplus ones deleted. Blocks that people or other connections wrote stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from svp_dagster.errors import SvpError
from svp_dagster.models import JsonObject
from svp_dagster.notion.blocks import batches, children, match_key, text_runs, without_children
from svp_dagster.notion.client.failures import CONTENT_PAGE
from svp_dagster.notion.client.http import Call, Calls
from svp_dagster.notion.client.responses import read, results

MAX_BLOCKS = 5000
"""Most blocks of one parent that are looked at."""


class PageBody:
    """The blocks that the connection's bot wrote on pages.

    `prepare` turns blocks into the form that Notion accepts, with their files uploaded.
    """

    def __init__(
        self, calls: Calls, *, bot_id: str, prepare: Callable[[Sequence[JsonObject]], list[JsonObject]]
    ) -> None:
        self._calls = calls
        self._bot_id = bot_id
        self._prepare = prepare

    def replace(self, parent_id: str, wanted: Sequence[JsonObject]) -> None:
        """Turn the bot's blocks below a page or block into `wanted`, with as few changes as possible."""
        present = self._list(parent_id)
        known_ids = {block["id"] for block in present}
        ours = [block for block in present if self._is_ours(block)]
        old_keys, new_keys = [match_key(block) for block in ours], [match_key(block) for block in wanted]
        last_id: str | None = None
        for change, old_from, old_to, new_from, new_to in SequenceMatcher(
            None, old_keys, new_keys, False
        ).get_opcodes():
            old, new = ours[old_from:old_to], list(wanted[new_from:new_to])
            if change == "equal":
                for before, after in zip(old, new, strict=True):
                    self._update(before, after)
                last_id = old[-1]["id"]
                continue
            if new:
                last_id = self._append(parent_id, new, after_id=last_id, at_start=bool(ours), known_ids=known_ids)
            for block in old:
                self._delete(block["id"])

    def _update(self, before: JsonObject, after: JsonObject) -> None:
        if text_runs(before) != text_runs(after):
            for prepared in self._prepare([without_children(after)]):
                path = f"blocks/{before['id']}"
                self._calls.send(Call(method="PATCH", path=path, body=prepared, subject=CONTENT_PAGE))
        if children(after) or before.get("has_children"):
            self.replace(before["id"], children(after))

    def _append(
        self, parent_id: str, blocks: list[JsonObject], *, after_id: str | None, at_start: bool, known_ids: set[str]
    ) -> str | None:
        """Append blocks after one, or at the start or end, and return the id of the last.

        `known_ids` are those of all blocks below the parent; the new ones are added to them.
        """
        position: JsonObject = {"type": "start" if at_start else "end"}
        if after_id is not None:
            position = {"type": "after_block", "after_block": {"id": after_id}}
        last_id = after_id
        for batch in batches(self._prepare(blocks)):
            new_ids = self._append_batch(parent_id, batch, position=position, known_ids=known_ids)
            known_ids.update(new_ids)
            last_id = new_ids[-1]
            position = {"type": "after_block", "after_block": {"id": last_id}}
        return last_id

    def _append_batch(
        self, parent_id: str, batch: list[JsonObject], *, position: JsonObject, known_ids: set[str]
    ) -> list[str]:
        def look() -> JsonObject | None:
            new = [block for block in self._list(parent_id) if block["id"] not in known_ids and self._is_ours(block)]
            return {"results": new} if len(new) >= len(batch) else None

        call = Call(
            method="PATCH",
            path=f"blocks/{parent_id}/children",
            body={"children": batch, "position": position},
            subject=CONTENT_PAGE,
        )
        response = self._calls.send_once(call, look=look)
        # Source: 18 recorded appends with a position: `results` has the new blocks first, then all that follow them.
        return read(lambda raw: [str(block["id"]) for block in results(raw)][: len(batch)], response)

    def _delete(self, block_id: str) -> None:
        try:
            self._calls.send(Call(method="DELETE", path=f"blocks/{block_id}", subject=CONTENT_PAGE))
        except SvpError as error:
            if error.code is not CONTENT_PAGE.not_found_code:  # deleted already, by an attempt before or a person
                raise

    def _list(self, parent_id: str) -> list[JsonObject]:
        call = Call(method="GET", path=f"blocks/{parent_id}/children", subject=CONTENT_PAGE)
        found = self._calls.objects(call, limit=MAX_BLOCKS)
        return [block for block in found if read(lambda raw: raw["id"] and match_key(raw), block)]

    def _is_ours(self, block: JsonObject) -> bool:
        return bool((block.get("created_by") or {}).get("id") == self._bot_id)
