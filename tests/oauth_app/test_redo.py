"""Pages that are out of date since the prompt changed: the button, the API, and how far it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from svp_dagster.models import ContentPage
from svp_dagster.notion.column_digest import column_digest
from svp_dagster.settings import Settings
from svp_dagster.store.databases import ContentDatabase
from svp_dagster.store.store import Store, open_store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person
from tests.store.examples import link

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def ada(app: Flask, notion: NotionSandbox) -> Person:
    return Person(app, notion).sign_in().set_up()


@pytest.fixture
def store(ada: Person) -> Store:
    """The store of an installation with two completed rows of cooking."""
    opened, connection_id = open_store(Settings()), ada.connection_id
    database = cooking(opened, connection_id)
    for page_id in ("first", "second"):
        opened.entries.request(link(connection_id, at=NOW, page_id=page_id, tag="cooking"), now=NOW)
        opened.entries.claim(page_id, page_id, may_take_over=lambda _: False, now=NOW)
        page = ContentPage(page_id=page_id, url="", created=True)
        opened.entries.set_content_page(page_id, page_id, page, data_source_id=database.data_source_id)
        made_for = column_digest(database.data_schema, database.prompt)
        opened.entries.complete(page_id, page_id, made_for=made_for, now=NOW)
    return opened


def cooking(store: Store, connection_id: str) -> ContentDatabase:
    found = store.databases.for_tag(connection_id, "cooking")
    assert found is not None
    return found


def test_a_changed_prompt_offers_to_update_the_pages_made_before(ada: Person, store: Store) -> None:
    address = f"/databases/{cooking(store, ada.connection_id).id}"
    assert "Schema changed" not in ada.see(address)

    ada.submit(address, tag="cooking", prompt="Like a pirate.")
    assert "Schema changed: update 2 pages" in ada.see(address)
    assert ada.submit(f"{address}/redo").status_code == 302

    shown = ada.see(address)
    assert "0 of 2 pages updated" in shown
    assert "Schema changed" not in shown
    store.entries.claim("first", "again", may_take_over=lambda _: False, now=NOW)
    store.entries.complete("first", "again", now=NOW)
    assert "1 of 2 pages updated" in ada.see(address)


def test_the_api_tells_what_is_out_of_date_and_makes_it_again_once(ada: Person, store: Store) -> None:
    address = f"/api/databases/{cooking(store, ada.connection_id).id}"
    assert ada.ask("GET", f"{address}/redo").json == {"outdated": 0, "usd": None, "redos": []}
    assert ada.ask("POST", f"{address}/redo").status_code == 409
    ada.ask("PATCH", address, {"prompt": "Like a pirate."})

    asked = ada.ask("POST", f"{address}/redo")

    assert asked.status_code == 202
    assert asked.json is not None
    assert (asked.json["total"], asked.json["open"]) == (2, 2)
    assert ada.ask("POST", f"{address}/redo").status_code == 409
    told = ada.ask("GET", f"{address}/redo").json
    assert told is not None
    assert (told["outdated"], [each["id"] for each in told["redos"]]) == (0, [asked.json["id"]])


def test_nobody_redoes_anothers_pages(app: Flask, notion: NotionSandbox, ada: Person, store: Store) -> None:
    address = f"/api/databases/{cooking(store, ada.connection_id).id}/redo"
    with app.test_client() as stranger:
        assert stranger.post(address).status_code in (400, 401)
    assert store.redos.unfinished() == []
