"""A page that is made to see how Notion answers, and then thrown away."""

from __future__ import annotations

from collections.abc import Sequence

from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.endpoints import Endpoints
from svp_dagster.notion.client.failures import CONTENT_PAGE, Subject
from svp_dagster.notion.client.http import Call
from svp_dagster.notion.client.responses import read, results
from svp_dagster.notion.rich_text import rich_text

MAX_BLOCKS = 1000
PARENT = Subject(name="page for the check", not_found_code=Code.DATABASE_NOT_SHARED)


class Probe(Endpoints):
    """Verbs for a page below another, with the answers as Notion gives them. Raises what `Workspace` raises."""

    def create_page(self, parent_id: str, *, title: str, blocks: Sequence[JsonObject]) -> str:
        """Create a page and return its id. No other page below the parent may have the title."""
        parent_id = PARENT.require_id(parent_id)
        body = {
            "parent": {"type": "page_id", "page_id": parent_id},
            "properties": {"title": {"title": rich_text(title)}},
            "children": list(blocks),
        }

        def look() -> JsonObject | None:
            return next((block for block in self.blocks(parent_id) if _page_title(block) == title), None)

        call = Call(method="POST", path="pages", body=body, subject=PARENT)
        return read(_id, self._calls.send_once(call, look=look))

    def append(self, parent_id: str, blocks: Sequence[JsonObject], *, after_id: str) -> list[str]:
        """Append blocks behind another and return the ids of all that Notion answers, in its order.

        Without a second attempt after a lost response: its answer would be another.
        """
        position = {"type": "after_block", "after_block": {"id": after_id}}
        call = Call(
            method="PATCH",
            path=f"blocks/{parent_id}/children",
            body={"children": list(blocks), "position": position},
            subject=CONTENT_PAGE,
        )
        response = self._calls.send_once(call, look=_give_up)
        return [read(_id, block) for block in results(response)]

    def blocks(self, parent_id: str) -> list[JsonObject]:
        """Return the blocks below a page or block, without those inside them."""
        call = Call(method="GET", path=f"blocks/{parent_id}/children", subject=CONTENT_PAGE)
        return list(self._calls.objects(call, limit=MAX_BLOCKS))

    def trash(self, page_id: str) -> bool:
        """Put a page into the trash. Return whether it is there."""
        call = Call(method="PATCH", path=f"pages/{page_id}", body={"in_trash": True}, subject=CONTENT_PAGE)
        return bool(self._calls.send(call).get("in_trash"))


def _id(response: JsonObject) -> str:
    return str(response["id"])


def _give_up() -> JsonObject | None:
    raise failure(Code.NOTION_UNREACHABLE, detail="the answer was lost")


def _page_title(block: JsonObject) -> str | None:
    title: str | None = (block.get("child_page") or {}).get("title")
    return title
