"""Notion, as one connection may see it."""

from __future__ import annotations

from svp_dagster.notion.client.content_pages import ContentPages
from svp_dagster.notion.client.databases import Databases
from svp_dagster.notion.client.rows import Rows


class Workspace(Databases, Rows, ContentPages):
    """What a connection can read and write at Notion, as verbs of our domain.

    Every verb raises the failures `not_connected`, `notion_busy`, `notion_unreachable` and `notion_refused`. What is
    gone, isn't shared with the connection or has a malformed id is `row_gone` for rows and else `database_not_shared`.
    """
