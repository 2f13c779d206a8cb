"""Search by title, among what is shared with the bot."""

from flask import Blueprint

from sandbox.notion import checks
from sandbox.notion.content import rich_text
from sandbox.notion.endpoints import data_sources, incoming, pages
from sandbox.notion.state.session import answer_list
from sandbox.notion.state.store import Json, Kind, Record

routes = Blueprint("search", __name__, url_prefix="/v1/search")

_query = checks.record(
    optional=incoming.paging
    | {
        "query": checks.text(),
        "sort": checks.record(
            {
                "timestamp": checks.choice("last_edited_time"),
                "direction": checks.choice("ascending", "descending"),
            }
        ),
        "filter": checks.record({"property": checks.choice("object"), "value": checks.choice("page", "data_source")}),
    }
)


@routes.post("")
def search() -> Json:
    """POST /v1/search: pages and data sources whose title holds the query, last edited first."""
    session = incoming.session()
    asked = incoming.body(_query)
    kinds: list[Kind] = [asked["filter"]["value"]] if "filter" in asked else ["page", "data_source"]
    words = asked.get("query", "").casefold()
    backwards = asked.get("sort", {}).get("direction", "descending") == "descending"
    found = session.store.all_of(session.workspace_id, kinds)
    found.sort(key=lambda record: (record.edited_time, record.seq), reverse=backwards)

    def wanted(record: Record) -> bool:
        alive = not record.in_trash and not session.ancestor_in_trash(record)
        return alive and session.sees(record) and words in _title(record).casefold()

    return answer_list(
        found,
        keep=wanted,
        show=lambda record: (pages if record.kind == "page" else data_sources).shown(session, record),
        kind="page_or_data_source",
        cursor=asked.get("start_cursor"),
        size=asked.get("page_size"),
    )


def _title(record: Record) -> str:
    return pages.title(record) if record.kind == "page" else rich_text.plain(record.body["title"])
