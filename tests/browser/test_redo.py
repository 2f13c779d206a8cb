"""Updating pages that are out of date, as a person does it in a browser."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from svp_dagster.models import ContentPage, PaidCall
from svp_dagster.notion.column_digest import column_digest
from tests.browser.conftest import Site
from tests.browser.walking import connect
from tests.store.examples import link

SUMMARY = PaidCall(service="summary", model="gemini", units=900, unit="tokens", cost_usd=0.02)


def complete_rows(site: Site, *page_ids: str) -> None:
    """Let rows of cooking have pages that fit its columns and its prompt."""
    now, store = datetime.now(UTC), site.store
    (connection,) = store.connections.all()
    (database,) = store.databases.content_databases(connection.id)
    for page_id in page_ids:
        store.entries.request(link(connection.id, at=now, page_id=page_id, tag=database.tag), now=now)
        store.entries.claim(page_id, page_id, may_take_over=lambda _: False, now=now)
        made = ContentPage(page_id=page_id, url=site.url, created=True)
        store.entries.set_content_page(page_id, page_id, made, data_source_id=database.data_source_id)
        store.entries.complete(page_id, page_id, made_for=made_for(site), now=now)
        store.ledger.add(SUMMARY, connection_id=connection.id, page_id=page_id, run_id=page_id, now=now)


def made_for(site: Site) -> str:
    """What a page that is made now is made for."""
    (connection,) = site.store.connections.all()
    (database,) = site.store.databases.content_databases(connection.id)
    return column_digest(database.data_schema, database.prompt)


def test_a_changed_prompt_leads_to_a_button_that_updates_the_pages(page: Page, site: Site) -> None:
    connect(page, site)
    page.get_by_role("button", name="Create it for me").click()
    page.get_by_role("button", name="Make Cooking").click()
    complete_rows(site, "first", "second", "third")
    page.goto(f"{site.url}/databases")
    page.get_by_role("link", name="Edit: Cooking").click()
    expect(page.get_by_text("Schema changed")).to_have_count(0)

    page.get_by_label("What should be in the columns?").fill("Like a pirate.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Edit: Cooking").click()
    page.get_by_text("Schema changed: update 3 pages…").click()
    expect(page.get_by_text("It costs about $0.06.")).to_be_visible()
    page.get_by_role("button", name="Update them").click()

    expect(page.get_by_text("3 pages are made again")).to_be_visible()
    site.store.entries.claim("first", "again", may_take_over=lambda _: False, now=datetime.now(UTC))
    site.store.entries.complete("first", "again", made_for=made_for(site), now=datetime.now(UTC))
    page.reload()
    expect(page.get_by_text("1 of 3 pages updated")).to_be_visible()
    expect(page.get_by_text("Schema changed")).to_have_count(0)
