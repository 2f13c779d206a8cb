"""Webhooks: the handshake, signed events, and deliveries that come late, twice or in another order."""

import hashlib
import hmac
import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, Response, request

from sandbox.serving import serve
from tests.sandbox.notion_service import NotionWorkspace, notion_service, paragraph, titled

WAIT_S = 10
Deliveries = queue.Queue[tuple[dict[str, Any], bytes, str]]


class Listener:
    """An app that keeps what it is sent, and answers with `statuses` first, then 200."""

    def __init__(self, url: str, received: Deliveries, statuses: list[int]) -> None:
        self.url = url
        self._received = received
        self.statuses = statuses

    def next(self) -> dict[str, Any]:
        """The next delivery, as it comes."""
        return self.next_signed()[0]

    def next_signed(self) -> tuple[dict[str, Any], bytes, str]:
        """The next delivery with its raw body and its signature."""
        return self._received.get(timeout=WAIT_S)


@contextmanager
def listening() -> Iterator[Listener]:
    received: Deliveries = queue.Queue()
    statuses: list[int] = []
    app = Flask("listener")

    @app.post("/hook")
    def hook() -> Response:
        raw = request.get_data()
        received.put((json.loads(raw), raw, request.headers.get("X-Notion-Signature", "")))
        return Response(status=statuses.pop(0) if statuses else 200)

    with serve(app) as served:
        yield Listener(f"{served.url}/hook", received, statuses)


@pytest.fixture
def told() -> Iterator[tuple[NotionWorkspace, Listener, dict[str, Any]]]:
    """A workspace, who is told of its changes, and the subscription."""
    with listening() as listener, notion_service() as service, service.workspace() as workspace:
        made = workspace.control("webhooks", url=listener.url, workspace_id=workspace.workspace_id)
        assert listener.next() == {"verification_token": made["verification_token"]}
        yield workspace, listener, made


Told = tuple[NotionWorkspace, Listener, dict[str, Any]]


@pytest.mark.parametrize("is_signed", [True, False])
def test_the_handshake_is_signed_with_its_own_token_or_not_at_all(is_signed: bool) -> None:
    with listening() as listener, notion_service() as service, service.workspace() as workspace:
        asked = {} if is_signed else {"is_handshake_signed": False}
        token = workspace.control("webhooks", url=listener.url, **asked)["verification_token"]
        event, raw, signature = listener.next_signed()
        expected = "sha256=" + hmac.new(token.encode(), raw, hashlib.sha256).hexdigest()
        assert (event, signature) == ({"verification_token": token}, expected if is_signed else "")


def behave(workspace: NotionWorkspace, subscription: dict[str, Any], **how: Any) -> None:
    workspace.raw.patch(f"/_sandbox/webhooks/{subscription['id']}", json=how).raise_for_status()


def test_events_are_signed_over_the_raw_body(told: Told) -> None:
    workspace, listener, subscription = told
    workspace.client.pages.create(parent={"page_id": workspace.page_id}, properties={"title": titled("x")})
    event, raw, signature = listener.next_signed()
    expected = hmac.new(subscription["verification_token"].encode(), raw, hashlib.sha256).hexdigest()
    assert signature == f"sha256={expected}"
    assert event["type"] == "page.created"
    assert (event["workspace_id"], event["subscription_id"]) == (workspace.workspace_id, subscription["id"])
    assert event["authors"] == [{"id": workspace.bot_id, "type": "bot"}]
    assert (event["attempt_number"], event["api_version"]) == (1, "2026-03-11")
    assert event["data"] == {"parent": {"id": workspace.page_id, "type": "page"}}


def test_every_kind_of_change_is_told(told: Told) -> None:
    workspace, listener, _ = told
    source = workspace.data_source({"done": {"checkbox": {}}})
    assert [listener.next()["type"] for _ in range(2)] == ["database.created", "data_source.created"]
    row = workspace.row(source)
    database_id = row["parent"]["database_id"]
    created = listener.next()
    assert (created["type"], created["entity"]) == ("page.created", {"id": row["id"], "type": "page"})
    home = {"id": database_id, "type": "database", "data_source_id": source}
    assert created["data"]["parent"] == home
    workspace.client.pages.update(row["id"], properties={"done": {"checkbox": True}})
    changed = listener.next()
    assert changed["type"] == "page.properties_updated"
    assert changed["data"] == {"parent": home, "updated_properties": [row["properties"]["done"]["id"]]}
    workspace.client.blocks.children.append(row["id"], children=[paragraph("a")])
    assert listener.next()["type"] == "page.content_updated"
    workspace.client.data_sources.update(source, properties={"n": {"number": {}}})
    assert listener.next()["type"] == "data_source.schema_updated"
    workspace.client.pages.update(row["id"], in_trash=True)
    assert listener.next()["type"] == "page.deleted"


def test_a_change_made_by_hand_is_told_as_the_persons(told: Told) -> None:
    workspace, listener, _ = told
    source = workspace.data_source({})
    assert [listener.next()["type"] for _ in range(2)] == ["database.created", "data_source.created"]
    assert workspace.raw.post(f"/d/{source}/rows", data={"title": "by hand"}).status_code == 303
    event = listener.next()
    assert event["authors"] == [{"id": workspace.owner_id, "type": "person"}]


def test_a_refused_request_tells_nothing(told: Told) -> None:
    workspace, listener, _ = told
    source = workspace.data_source({})
    assert [listener.next()["type"] for _ in range(2)] == ["database.created", "data_source.created"]
    blocks = [{"paragraph": {"rich_text": []}}, {"nonsense": {}}]
    body = {"parent": {"data_source_id": source}, "children": blocks}
    assert workspace.raw.post("/v1/pages", json=body).status_code == 400
    row = workspace.row(source)
    assert listener.next()["entity"]["id"] == row["id"]


def test_a_delivery_that_fails_is_tried_again(told: Told) -> None:
    workspace, listener, subscription = told
    behave(workspace, subscription, retry_s=0.01)
    listener.statuses[:] = [500, 503]
    workspace.client.pages.create(parent={"page_id": workspace.page_id})
    attempts = [listener.next() for _ in range(3)]
    assert [attempt["attempt_number"] for attempt in attempts] == [1, 2, 3]
    assert len({attempt["id"] for attempt in attempts}) == 1


def test_events_can_come_twice_and_be_sent_again(told: Told) -> None:
    workspace, listener, subscription = told
    behave(workspace, subscription, copies=2)
    workspace.client.pages.create(parent={"page_id": workspace.page_id})
    first, second = listener.next(), listener.next()
    assert first == second
    workspace.control("webhooks/resend", event_id=first["id"])
    assert listener.next() == first


def test_events_can_be_held_back_and_come_in_another_order(told: Told) -> None:
    workspace, listener, subscription = told
    behave(workspace, subscription, paused=True)
    made = [workspace.client.pages.create(parent={"page_id": workspace.page_id})["id"] for _ in range(3)]  # type: ignore[index]
    behave(workspace, subscription, paused=False)
    assert [listener.next()["entity"]["id"] for _ in range(3)] == made[::-1]


def test_deliveries_are_listed_and_end_with_the_subscription(told: Told) -> None:
    workspace, listener, subscription = told
    workspace.client.pages.create(parent={"page_id": workspace.page_id})
    event = listener.next()
    workspace.raw.delete(f"/_sandbox/webhooks/{subscription['id']}").raise_for_status()
    workspace.client.pages.create(parent={"page_id": workspace.page_id})
    listed = workspace.raw.get("/_sandbox/webhooks").json()
    assert listed["subscriptions"] == []
    assert event["id"] in [delivery["event_id"] for delivery in listed["deliveries"]]
    assert [delivery["type"] for delivery in listed["deliveries"]] == ["verification", "page.created"]


@pytest.mark.parametrize("path", ["webhooks/8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa", "webhooks/resend"])
def test_an_unknown_subscription_or_event_is_not_found(workspace: NotionWorkspace, path: str) -> None:
    method = "POST" if path.endswith("resend") else "PATCH"
    body = {"event_id": "8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa"} if method == "POST" else {}
    assert workspace.raw.request(method, f"/_sandbox/{path}", json=body).status_code == 404
