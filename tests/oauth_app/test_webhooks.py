"""Notion's webhooks: the handshake, the signature, and events that come twice, late or from elsewhere."""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oauth_app.app import create_app
from oauth_app.webhooks import signature_of
from sandbox.serving import serve
from svp_dagster.store.crypto import secret_hash
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.conftest import store_of
from tests.oauth_app.people import Person
from tests.store.examples import record_poll, use_webhook_token

TOKEN = "secret_of_the_subscription"


def post(app: Flask, body: Any, *, token: str | None = TOKEN) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Notion-Signature": signature_of(raw, token)} if token else {}
    return app.test_client().post("/webhooks/notion", data=raw, headers=headers, content_type="application/json")


def event(source_id: str, *, kind: str = "page.created", **changes: Any) -> dict[str, Any]:
    page = {"id": str(uuid.uuid4()), "type": "page"}
    parent = {"id": str(uuid.uuid4()), "type": "database", "data_source_id": source_id}
    return {
        "id": str(uuid.uuid4()),
        "timestamp": "2026-11-20T12:00:00.000Z",
        "workspace_id": str(uuid.uuid4()),
        "type": kind,
        "entity": page,
        "data": {"parent": parent},
        "attempt_number": 1,
        **changes,
    }


@pytest.fixture
def source_id(ada: Person, store: Store) -> str:
    """The Link Database of a connection that is not due, with webhooks set up."""
    use_webhook_token(store, TOKEN, now=datetime.now(UTC))
    found = store.databases.link_database(ada.connection_id)
    assert found is not None
    rest(store)
    return found.data_source_id


def offered(store: Store) -> list[str]:
    """The tokens that wait for the operator."""
    return [offer.token for offer in store.webhook_tokens.offers(now=datetime.now(UTC))]


def rest(store: Store) -> None:
    """Make nothing due."""
    now = datetime.now(UTC)
    for database in store.databases.due(now=now, limit=10):
        record_poll(store, database, next_due_at=now + timedelta(hours=1), now=now)


def is_due(store: Store) -> bool:
    return bool(store.databases.due(now=datetime.now(UTC), limit=10))


def test_a_new_row_makes_its_connection_due(app: Flask, store: Store, source_id: str) -> None:
    answer = post(app, event(source_id))
    assert (answer.status_code, answer.json) == (200, {"outcome": "noted", "connections": 1})
    assert is_due(store)


def test_an_event_shows_that_the_webhook_works(app: Flask, store: Store, ada: Person, source_id: str) -> None:
    before = store.databases.link_database(ada.connection_id)
    post(app, event(source_id))
    after = store.databases.link_database(ada.connection_id)
    assert before is not None
    assert after is not None
    assert (before.has_webhook, after.has_webhook) == (False, True)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"parent": {"id": "SOURCE", "type": "data_source"}}},
        {"type": "page.properties_updated"},
        {"type": "data_source.schema_updated", "entity": {"id": "SOURCE", "type": "data_source"}, "data": {}},
        {"authors": [{"id": str(uuid.uuid4()), "type": "person"}]},
    ],
)
def test_every_change_in_a_link_database_counts(app: Flask, store: Store, source_id: str, body: dict[str, Any]) -> None:
    filled = json.loads(json.dumps(body).replace("SOURCE", source_id))
    post(app, event(source_id) | filled)
    assert is_due(store)


def test_an_id_without_dashes_is_the_same_id(app: Flask, store: Store, source_id: str) -> None:
    post(app, event(source_id.replace("-", "")))
    assert is_due(store)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "comment.created"},
        {"data": {}},
        {"data": {"parent": {"id": str(uuid.uuid4()), "type": "page"}}},
        {"data": {"parent": {"id": str(uuid.uuid4()), "type": "database", "data_source_id": str(uuid.uuid4())}}},
    ],
)
def test_other_changes_are_taken_and_do_nothing(app: Flask, store: Store, source_id: str, body: dict[str, Any]) -> None:
    answer = post(app, event(source_id) | body)
    assert (answer.status_code, answer.json) == (200, {"outcome": "noted", "connections": 0})
    assert not is_due(store)


def test_what_our_own_bot_wrote_causes_no_look(app: Flask, store: Store, source_id: str) -> None:
    (connection,) = store.connections.all()
    ours = {"id": connection.bot_id, "type": "bot"}
    post(app, event(source_id, authors=[ours]))
    assert not is_due(store)
    post(app, event(source_id, authors=[ours, {"id": str(uuid.uuid4()), "type": "bot"}]))
    assert is_due(store)


def test_an_event_that_comes_twice_or_late_only_means_look_again(app: Flask, store: Store, source_id: str) -> None:
    late = event(source_id, timestamp="2020-01-01T00:00:00.000Z", attempt_number=8)
    for _ in range(3):
        assert post(app, late).status_code == 200
    assert is_due(store)
    assert store.entries.page(store.connections.all()[0].id, offset=0, limit=1) == ([], 0)


@pytest.mark.parametrize("token", ["wrong", "", None])
def test_a_forged_event_is_refused(app: Flask, store: Store, source_id: str, token: str | None) -> None:
    raw = json.dumps(event(source_id)).encode()
    signature = {} if token is None else {"X-Notion-Signature": signature_of(raw, token)}
    answer = app.test_client().post("/webhooks/notion", data=raw, headers=signature)
    assert answer.status_code == 401
    assert not is_due(store)


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "md5=x", "sha256=ä"])
def test_an_odd_signature_is_refused(app: Flask, store: Store, source_id: str, signature: str) -> None:
    raw = json.dumps(event(source_id)).encode()
    answer = app.test_client().post("/webhooks/notion", data=raw, headers={"X-Notion-Signature": signature})
    assert answer.status_code == 401
    assert not is_due(store)


def test_a_body_that_was_changed_under_way_is_refused(app: Flask, store: Store, source_id: str) -> None:
    raw = json.dumps(event(source_id)).encode()
    headers = {"X-Notion-Signature": signature_of(raw, TOKEN)}
    assert app.test_client().post("/webhooks/notion", data=raw + b" ", headers=headers).status_code == 401


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"type": 1}', b"\xff\xfe", b"9" * 10_000])
def test_a_signed_body_that_is_no_event_is_refused(app: Flask, source_id: str, raw: bytes) -> None:
    answer = post(app, raw)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"] == "not_an_event"


def test_an_event_before_the_set_up_is_refused(app: Flask) -> None:
    assert post(app, event(str(uuid.uuid4()))).status_code == 401


def test_once_set_up_no_other_token_is_taken(app: Flask, store: Store, source_id: str) -> None:
    answer = post(app, {"verification_token": "secret_of_an_attacker"}, token=None)
    assert answer.status_code == 409
    assert offered(store) == []
    assert post(app, event(source_id)).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"verification_token": 1}, {"verification_token": ""}, {"verification_token": "x" * 999}]
)
def test_what_is_no_handshake_is_refused(app: Flask, store: Store, body: Any) -> None:
    assert post(app, body, token=None).status_code == 401
    assert offered(store) == []


@pytest.mark.parametrize("token", [TOKEN, None])
def test_a_handshake_is_taken_signed_with_its_own_token_or_unsigned(
    app: Flask, store: Store, token: str | None
) -> None:
    answer = post(app, {"verification_token": TOKEN}, token=token)
    assert (answer.status_code, answer.json) == (200, {"outcome": "token_offered", "connections": 0})
    assert offered(store) == [TOKEN]


@pytest.mark.parametrize("token", ["secret_of_someone_else", ""])
def test_a_handshake_that_is_signed_with_another_token_is_refused(app: Flask, store: Store, token: str) -> None:
    raw = json.dumps({"verification_token": TOKEN}).encode()
    headers = {"X-Notion-Signature": signature_of(raw, token)}
    answer = app.test_client().post("/webhooks/notion", data=raw, headers=headers)
    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["error"] == "signature_wrong"
    assert offered(store) == []


@pytest.mark.parametrize("signed_with", ["secret_of_an_attacker", TOKEN])
def test_once_set_up_no_signed_handshake_is_taken_either(
    app: Flask, store: Store, source_id: str, signed_with: str
) -> None:
    answer = post(app, {"verification_token": "secret_of_an_attacker"}, token=signed_with)
    assert answer.status_code in (401, 409)
    assert offered(store) == []
    assert post(app, event(source_id)).status_code == 200


def operator_page(person: Person) -> str:
    """The operator's page, opened with the key that lies in the home folder."""
    assert "verification token" not in person.see("/operator")
    person.submit("/operator/key", key=(Path(os.environ["SVP_HOME"]) / "operator.key").read_text())
    return person.see("/operator")


def test_the_operator_sees_the_offered_token_and_takes_it(app: Flask, store: Store, ada: Person) -> None:
    post(app, {"verification_token": TOKEN}, token=None)
    assert TOKEN in operator_page(ada)
    found = store.databases.link_database(ada.connection_id)
    assert found is not None
    assert post(app, event(found.data_source_id)).status_code == 401
    ada.submit("/operator/webhooks/confirm", offer=secret_hash(TOKEN))
    assert post(app, event(found.data_source_id)).status_code == 200
    assert TOKEN not in ada.see("/operator")
    ada.submit("/operator/webhooks/start-over")
    assert post(app, event(found.data_source_id)).status_code == 401


def test_nobody_but_the_operator_sees_or_takes_a_token(app: Flask, store: Store, ada: Person) -> None:
    post(app, {"verification_token": TOKEN}, token=None)
    ada.submit("/operator/key", key="guess")
    assert TOKEN not in ada.see("/operator")
    for path in ("/operator/webhooks/confirm", "/operator/webhooks/discard", "/operator/webhooks/start-over"):
        assert ada.submit(path, offer=secret_hash(TOKEN)).status_code == 403
    assert offered(store) == [TOKEN]
    assert store.webhook_tokens.in_use() is None


@pytest.mark.parametrize("is_signed", [True, False])
def test_notions_own_subscription_works_from_handshake_to_event(
    environment: pytest.MonkeyPatch, notion: NotionSandbox, is_signed: bool
) -> None:
    app = create_app()
    store = store_of(app)
    with serve(app) as served:
        ada = Person(app, notion).sign_in().set_up()
        asked = {"url": f"{served.url}/webhooks/notion", "workspace_id": notion.workspace_id}
        made = notion.control("webhooks", **asked, is_handshake_signed=is_signed)
        wait_until(lambda: bool(offered(store)))
        assert made["verification_token"] in operator_page(ada)
        ada.submit("/operator/webhooks/confirm", offer=secret_hash(made["verification_token"]))
        link_database = store.databases.link_database(ada.connection_id)
        assert link_database is not None
        rest(store)
        notion.page(
            link_database.data_source_id, {"url": {"url": "https://www.tiktok.com/@a/video/7300000000000000001"}}
        )
        wait_until(lambda: is_due(store))
        notion.raw.delete(f"/_sandbox/webhooks/{made['id']}")
    store.engine.dispose()


def wait_until(true: Any) -> None:
    """Wait for another process's message."""
    give_up_at = datetime.now(UTC) + timedelta(seconds=10)
    while not true():
        assert datetime.now(UTC) < give_up_at
        time.sleep(0.02)
