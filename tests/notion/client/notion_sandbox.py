"""A workspace in the stand-in for Notion, and the resource that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.faults import Fault, FaultPlan
from sandbox.notion.server import create_app
from sandbox.recorder import Recorder, RequestRecord
from sandbox.serving import serve
from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rich_text import plain_text
from tests.openapi import DESCRIPTION, assert_valid_request

REDIRECT_URI = "http://localhost/auth/notion/callback"
CLIENT = ("client", "client-secret-canary")


@dataclass
class KnownTokens:
    """Tokens by connection id; `fresh` are those that a refresh gives, and `refreshed` counts how often it did."""

    tokens: dict[str, str]
    fresh: dict[str, str] = field(default_factory=dict)
    refreshed: int = 0

    def access_token(self, connection_id: str) -> str:
        return self.tokens[connection_id]

    def refresh(self, connection_id: str, stale: str) -> str:
        assert stale == self.tokens[connection_id]
        self.refreshed += 1
        if connection_id not in self.fresh:
            raise failure(Code.NOT_CONNECTED, detail="no fresh token")
        self.tokens[connection_id] = self.fresh.pop(connection_id)
        return self.tokens[connection_id]


@dataclass(frozen=True)
class NotionSandbox:
    """A running stand-in with a fresh workspace. `raw` acts as the workspace's internal connection."""

    url: str
    faults: FaultPlan
    recorder: Recorder
    raw: httpx.Client
    page_id: str
    workspace_id: str
    bot_id: str
    token: str
    resource: NotionResource

    @property
    def tokens(self) -> KnownTokens:
        """Tokens that know the workspace's internal connection by its bot's id."""
        return KnownTokens({self.bot_id: self.token})

    def workspace(self, **options: Any) -> Workspace:
        """What is tested."""
        return self.resource.workspace(self.bot_id, self.tokens, **options)

    def data_source(self, properties: JsonObject, *, title: str = "Rows", below: str = "") -> str:
        """The id of a new data source with a title column `Name`, below a page or else the starting page."""
        made = self._sent(
            "POST",
            "databases",
            parent={"type": "page_id", "page_id": below or self.page_id},
            title=[{"type": "text", "text": {"content": title}}],
            initial_data_source={"properties": {"Name": {"title": {}}} | properties},
        )
        return str(made["data_sources"][0]["id"])

    def odd_database(self, kind: str, **more: Any) -> JsonObject:
        """The ids of a database that only a person can make: a linked view, a wiki, any number of data sources."""
        return dict(self.control("databases", parent_page_id=self.page_id, title="Odd", kind=kind, **more))

    def page(self, data_source_id: str, properties: JsonObject) -> str:
        """The id of a new page."""
        made = self._sent("POST", "pages", parent={"data_source_id": data_source_id}, properties=properties)
        return str(made["id"])

    def top_page(self) -> str:
        """The id of a new page that hangs under no other, so that it can be shared by itself."""
        made = self._sent("POST", "pages", parent={"type": "workspace", "workspace": True}, properties=titled("Top"))
        return str(made["id"])

    def unshare(self, page_id: str) -> None:
        """Take a page, with all that is below it, from the connection."""
        self.control("share", bot_id=self.bot_id, object_id=page_id, shared=False)

    def change_columns(self, data_source_id: str, properties: JsonObject) -> None:
        """Rename, retype or remove (null) columns."""
        self._sent("PATCH", f"data_sources/{data_source_id}", properties=properties)

    def trash(self, page_id: str) -> None:
        """Put a page into the trash."""
        self._sent("PATCH", f"pages/{page_id}", in_trash=True)

    def ledger(self, data_source_id: str) -> JsonObject:
        """The sandbox's own account of a data source's pages."""
        answer = self.raw.get("/_sandbox/pages", params={"data_source_id": data_source_id})
        return dict(answer.raise_for_status().json())

    def body(self, block_id: str) -> list[tuple[str, str, list[Any]]]:
        """Type, words and what is inside of each block below a page or block."""
        return [
            (
                block["type"],
                plain_text(block[block["type"]]["rich_text"]),
                self.body(block["id"]) if block["has_children"] else [],
            )
            for block in self._blocks(block_id)
        ]

    def block_ids(self, block_id: str) -> list[str]:
        """The ids of the blocks below a page or block."""
        return [block["id"] for block in self._blocks(block_id)]

    def _blocks(self, block_id: str) -> list[JsonObject]:
        found: list[JsonObject] = []
        cursor: JsonObject = {}
        while True:
            listed = self.raw.get(f"/v1/blocks/{block_id}/children", params=cursor).raise_for_status().json()
            found += listed["results"]
            if not listed["has_more"]:
                return found
            cursor = {"start_cursor": listed["next_cursor"]}

    def control(self, path: str, **fields: Any) -> Any:
        """Posts to `/_sandbox/{path}`."""
        return self.raw.post(f"/_sandbox/{path}", json=fields).raise_for_status().json()

    def authorize(self) -> str:
        """The code of a sign-in in which a person allows the integration to see the starting page."""
        asked = {"client_id": CLIENT[0], "redirect_uri": REDIRECT_URI, "response_type": "code"}
        form = asked | {"answer": "allow", "workspace": self.workspace_id, "page": self.page_id}
        location = self.raw.post("/v1/oauth/authorize", data=form).headers["location"]
        return parse_qs(urlsplit(location).query)["code"][0]

    def connect(self) -> JsonObject:
        """What the token endpoint answers at the end of such a sign-in."""
        grant = {"grant_type": "authorization_code", "code": self.authorize(), "redirect_uri": REDIRECT_URI}
        return dict(self.raw.post("/v1/oauth/token", json=grant, auth=CLIENT).raise_for_status().json())

    def takes(self, token: str) -> bool:
        """Whether an access token works."""
        return self.raw.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"}).is_success

    def fail(self, path: str, **fault: Any) -> None:
        """Add a fault, once if it says nothing else."""
        self.faults.add(Fault(path=path, **fault))

    def requests(self, method: str = "", path: str = "") -> list[RequestRecord]:
        """Requests with this method and path so far, those of set-up forgotten (see `forget`)."""
        return [record for record in self.recorder.requests if method in ("", record.method) and path in record.path]

    def forget(self) -> None:
        """Forget the requests so far."""
        self.recorder.clear()

    def _sent(self, method: str, path: str, **body: Any) -> JsonObject:
        answer = self.raw.request(method, f"/v1/{path}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())


def titled(text: str, *, column: str = "title") -> JsonObject:
    """A new page's properties that give it a title."""
    return {column: {"title": [{"type": "text", "text": {"content": text}}]}}


@dataclass(frozen=True)
class RunningNotion:
    """A running stand-in."""

    url: str
    faults: FaultPlan
    recorder: Recorder
    resource: NotionResource

    @contextmanager
    def fresh_workspace(self) -> Iterator[NotionSandbox]:
        """A new workspace in it. At the end every request is held against Notion's description."""
        self.faults.clear()
        self.recorder.clear()
        # Without certificates to load, a client is made ten times as fast.
        with httpx.Client(base_url=self.url, headers={"Notion-Version": "2026-03-11"}, verify=False) as raw:
            made = raw.post("/_sandbox/workspaces", json={"name": "Test"}).raise_for_status().json()
            raw.headers["Authorization"] = f"Bearer {made['access_token']}"
            yield NotionSandbox(
                url=self.url,
                faults=self.faults,
                recorder=self.recorder,
                raw=raw,
                page_id=made["page_id"],
                workspace_id=made["workspace_id"],
                bot_id=made["bot_id"],
                token=made["access_token"],
                resource=self.resource,
            )
        if DESCRIPTION.exists():
            for record in self.recorder.requests:
                _hold_against_description(record)


@contextmanager
def running_notion(*, timeout_s: float = 10.0, **options: Any) -> Iterator[RunningNotion]:
    """A stand-in with these options of `create_app`, and a resource that waits for `timeout_s`."""
    faults, recorder = FaultPlan(), Recorder()
    app = create_app(faults=faults, recorder=recorder, client=CLIENT, **options)
    with serve(app) as served:
        resource = NotionResource(base_url=served.url, timeout_s=timeout_s, backoff_s=0.01)
        yield RunningNotion(url=served.url, faults=faults, recorder=recorder, resource=resource)
        resource.close()
    app.close()


@contextmanager
def notion_sandbox(**options: Any) -> Iterator[NotionSandbox]:
    """A stand-in of one's own with a fresh workspace."""
    with running_notion(**options) as running, running.fresh_workspace() as made:
        yield made


def _hold_against_description(record: RequestRecord) -> None:
    still_worked_on = record.status is None and record.body is None
    if record.path.startswith("/v1/") and "authorize" not in record.path and not still_worked_on:
        multipart = record.headers.get("content-type", "").startswith("multipart")
        assert_valid_request(record.method, record.path, None if multipart else record.body)
