"""The stand-in for Notion on a real socket, and workspaces in it, each with the real SDK's client."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from notion_client import Client
from notion_client.errors import APIResponseError

from sandbox.notion.server import create_app
from sandbox.serving import serve
from tests.openapi import DESCRIPTION, assert_valid_request

LATEST = "2026-03-11"
_TLS = ssl.create_default_context()  # making one for each client would take most of the tests' time


@dataclass(frozen=True)
class NotionWorkspace:
    """A workspace of its own with a client that is connected to it.

    Every request of `client` that the stand-in accepts is also held against Notion's own description, where that is
    present; those of `raw` are not.
    """

    url: str
    workspace_id: str
    bot_id: str
    owner_id: str
    page_id: str
    token: str
    client: Client
    raw: httpx.Client

    def data_source(self, properties: dict[str, Any], *, title: str = "Rows") -> str:
        """The id of a new data source; a title column `Name` is added where there is none."""
        if not any("title" in column for column in properties.values()):
            properties = {"Name": {"title": {}}} | properties
        database: Any = self.client.databases.create(
            parent={"type": "page_id", "page_id": self.page_id},
            title=text(title),
            initial_data_source={"properties": properties},
        )
        return str(database["data_sources"][0]["id"])

    def row(self, data_source_id: str, **properties: Any) -> dict[str, Any]:
        """A new row of a data source."""
        made: Any = self.client.pages.create(parent={"data_source_id": data_source_id}, properties=properties)
        return dict(made)

    def names(self, data_source_id: str, **query: Any) -> list[str]:
        """The titles of the rows that a query gives, in its order."""
        found: Any = self.client.data_sources.query(data_source_id, **query)
        return [plain(row["properties"]["Name"]["title"]) for row in found["results"]]

    def ledger(self, data_source_id: str) -> dict[str, Any]:
        """The sandbox's own account of a data source's pages."""
        answer = self.raw.get("/_sandbox/pages", params={"data_source_id": data_source_id})
        return dict(answer.raise_for_status().json())

    def control(self, path: str, **fields: Any) -> Any:
        """Posts to `/_sandbox/{path}`."""
        return self.raw.post(f"/_sandbox/{path}", json=fields).raise_for_status().json()


@dataclass(frozen=True)
class NotionService:
    """A running stand-in, and a client without a token that steers it."""

    url: str
    http: httpx.Client

    @contextmanager
    def workspace(self, name: str = "Workspace", *, version: str = LATEST) -> Iterator[NotionWorkspace]:
        """A new workspace in it."""
        made = self.http.post("/_sandbox/workspaces", json={"name": name}).raise_for_status().json()
        hooks = {"response": [_hold_against_description]} if version == LATEST and DESCRIPTION.exists() else {}
        headers = {"Authorization": f"Bearer {made['access_token']}", "Notion-Version": version}
        raw = httpx.Client(base_url=self.url, headers=headers, verify=_TLS)
        with httpx.Client(event_hooks=hooks, verify=_TLS) as inner, raw:
            client = Client(
                client=inner,
                auth=made["access_token"],
                base_url=self.url,
                notion_version=version,
                log_level=logging.CRITICAL,
            )
            yield NotionWorkspace(
                url=self.url,
                workspace_id=made["workspace_id"],
                bot_id=made["bot_id"],
                owner_id=made["owner_id"],
                page_id=made["page_id"],
                token=made["access_token"],
                client=client,
                raw=raw,
            )


@contextmanager
def notion_service(**options: Any) -> Iterator[NotionService]:
    """A stand-in with these options of `create_app`."""
    app = create_app(**options)
    with serve(app) as served, httpx.Client(base_url=served.url, verify=_TLS) as http:
        yield NotionService(served.url, http)
    app.close()


def text(content: str, **annotations: Any) -> list[dict[str, Any]]:
    """Rich text of a single item."""
    item: dict[str, Any] = {"type": "text", "text": {"content": content}}
    return [item | ({"annotations": annotations} if annotations else {})]


def titled(content: str) -> dict[str, Any]:
    """The value of a title column."""
    return {"title": text(content)}


def plain(items: list[dict[str, Any]]) -> str:
    """The text of rich text that was answered."""
    return "".join(item["plain_text"] for item in items)


def paragraph(content: str, *below: dict[str, Any]) -> dict[str, Any]:
    """A paragraph block, with blocks below it."""
    inner: dict[str, Any] = {"rich_text": text(content)}
    return {"type": "paragraph", "paragraph": inner | ({"children": list(below)} if below else {})}


def refusal(call: Callable[[], Any]) -> APIResponseError:
    """The API's refusal of a call."""
    with pytest.raises(APIResponseError) as caught:
        call()
    return caught.value


def _hold_against_description(response: httpx.Response) -> None:
    request = response.request
    if response.is_success and not request.headers.get("content-type", "").startswith("multipart"):
        body = json.loads(request.content) if request.content else None
        assert_valid_request(request.method, request.url.path, body)
