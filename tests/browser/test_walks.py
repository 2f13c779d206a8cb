"""What people do with the app, in a real browser."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from svp_dagster.errors import Code, failure
from svp_dagster.models import Status
from tests.browser.conftest import Site
from tests.browser.walking import LINK_FIELD, VIDEO, Worker, add_link, connect, leave_for_notion, press, set_up, tab_to

pytestmark = pytest.mark.slow


def test_a_stranger_connects_is_set_up_and_sees_the_first_link_completed_live(page: Page, site: Site) -> None:
    connect(page, site)
    page.get_by_role("button", name="Create it for me").click()
    page.get_by_role("button", name="Make Cooking").click()
    add_link(page, VIDEO)
    worker, card = Worker(site), page.locator("article.entry")
    expect(card).to_contain_text("Waiting")
    link = worker.newest()
    assert (link.url, link.tag) == (VIDEO, "cooking")

    run_id = worker.start(link)
    for status, words, stage in [
        (Status.DOWNLOADING, "Downloading", "download"),
        (Status.TRANSCRIBING, "Transcribing", "transcribe"),
        (Status.PROCESSING, "Processing", "summarize"),
        (Status.SAVING, "Saving", "publish"),
    ]:
        worker.reach(link, run_id, status)
        expect(card).to_contain_text(words)
        worker.end_stage(link, run_id, stage)
    page_url = site.notion.raw.get(f"/v1/pages/{site.notion.page_id}").json()["url"]
    worker.complete(link, run_id, title="Lemon pasta", page_url=page_url)
    expect(card.get_by_role("heading", name="Lemon pasta")).to_be_visible()
    expect(card).to_contain_text("Completed")

    card.get_by_role("link", name="Open page: Lemon pasta").click()
    expect(page.get_by_role("heading", name="Getting started")).to_be_visible()


def test_the_row_at_notion_is_one_click_away(page: Page, site: Site) -> None:
    set_up(page, site)
    add_link(page, VIDEO)
    page.get_by_role("link", name="Row in Notion").click()
    expect(page.locator("body")).to_contain_text("pending")


def test_a_person_who_denies_access_is_told_and_shown_a_way_on(page: Page, site: Site) -> None:
    leave_for_notion(page, site)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Notion is not connected")).to_be_visible()
    expect(page.locator("main")).to_contain_text("You chose not to give access")
    page.locator("main").get_by_role("link", name="Connect Notion").click()
    expect(page.get_by_role("button", name="Allow access")).to_be_visible()


def test_a_person_who_takes_too_long_is_told_and_can_begin_again(page: Page, site: Site) -> None:
    leave_for_notion(page, site)
    with site.store.engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(text("UPDATE sign_ins SET expires_at = :past"), {"past": past.strftime("%F %T.%f")})
    page.get_by_role("button", name="Allow access").click()
    expect(page.locator("main")).to_contain_text("More than five minutes passed")
    connect(page, site)
    expect(page.get_by_role("heading", name="Set up")).to_be_visible()


def test_a_failed_row_says_why_and_is_tried_again(page: Page, site: Site) -> None:
    set_up(page, site)
    add_link(page, VIDEO)
    worker = Worker(site)
    link = worker.newest()
    run_id = worker.start(link)
    worker.end_stage(link, run_id, "download")
    error = failure(Code.AUDIO_UNREADABLE)
    worker.fail(link, run_id, error)
    card = page.locator("article.entry")
    expect(card).to_contain_text(error.sentence)
    expect(card.locator(".stages .broken")).to_contain_text("Transcribe")

    card.get_by_role("button", name="Retry").click()
    expect(page.locator("main")).to_contain_text("Asked again")
    expect(page.locator("article.entry")).to_contain_text("Waiting")
    row = site.notion.raw.get(f"/v1/pages/{link.page_id}").json()
    assert row["properties"]["status"]["select"]["name"] == "pending"
    entry = site.store.entries.get(link.page_id)
    assert entry is not None
    assert (entry.status, entry.requests) == (Status.PENDING, 2)


def test_all_that_failed_are_tried_again_with_one_key(page: Page, site: Site) -> None:
    set_up(page, site)
    worker = Worker(site)
    for number in range(2):
        add_link(page, VIDEO[:-1] + str(number))
        link = worker.newest()
        worker.fail(link, worker.start(link), failure(Code.GONE))
    page.get_by_role("link", name="Failed 2").click()
    press(page, "Retry all 2")
    expect(page.locator("main")).to_contain_text("Asked again for 2.")
    expect(page.locator("article.entry")).to_have_count(2)
    expect(page.locator(".badge", has_text="Waiting")).to_have_count(2)


def test_a_paused_site_is_said_and_taken_back_live(page: Page, site: Site) -> None:
    set_up(page, site)
    worker, notice = Worker(site), page.locator("#paused-tiktok")
    expect(notice).to_have_count(0)
    worker.break_down("tiktok")
    expect(notice).to_contain_text("TikTok can't be read at the moment")
    worker.repair("tiktok")
    expect(notice).to_have_count(0)


def test_all_of_it_works_by_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(site.url)
    press(page, "Connect Notion")
    press(page, "Allow access")
    press(page, "Create it for me")
    press(page, "Make Cooking")
    tab_to(page, LINK_FIELD)
    page.keyboard.type(VIDEO)
    page.keyboard.press("Enter")
    expect(page.locator("article.entry")).to_contain_text("Waiting")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()


def test_what_has_the_focus_keeps_it_while_the_list_changes(page: Page, site: Site) -> None:
    set_up(page, site)
    add_link(page, VIDEO)
    worker = Worker(site)
    link = worker.newest()
    focused = page.get_by_role("link", name="Row in Notion")
    focused.focus()
    worker.reach(link, worker.start(link), Status.DOWNLOADING)
    expect(page.locator("article.entry")).to_contain_text("Downloading")
    expect(focused).to_be_focused()


def test_the_page_of_a_link_changes_by_itself_until_it_ended(page: Page, site: Site) -> None:
    set_up(page, site)
    add_link(page, VIDEO)
    worker = Worker(site)
    link = worker.newest()
    page.goto(f"{site.url}/entries/{link.page_id}")
    run_id = worker.start(link)
    worker.reach(link, run_id, Status.DOWNLOADING)
    expect(page.locator("#live")).to_contain_text("Downloading")
    worker.fail(link, run_id, failure(Code.GONE))
    expect(page.locator("#live")).to_contain_text("no longer exists")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)  # longer than it waits between two looks
    assert asked == []


def test_the_list_is_left_alone_while_nothing_changes(page: Page, site: Site) -> None:
    set_up(page, site)
    add_link(page, VIDEO)
    worker = Worker(site)
    link = worker.newest()
    worker.fail(link, worker.start(link), failure(Code.GONE))
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    with page.expect_response(lambda answer: "/entries/live" in answer.url) as caught:
        pass
    assert caught.value.status == 204


def test_a_person_takes_all_data_along_and_has_them_deleted(page: Page, site: Site) -> None:
    set_up(page, site)
    add_link(page, VIDEO)
    page.get_by_role("link", name="Settings").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export my data").click()
    assert [entry["url"] for entry in json.loads(download.value.path().read_text())["link_entries"]] == [VIDEO]

    page.get_by_role("link", name="Delete my data").click()
    expect(page.get_by_role("listitem").filter(has_text="1 link,")).to_be_visible()
    page.get_by_role("button", name="Delete all my data for good").click()

    expect(page.get_by_role("status")).to_contain_text("Your data are deleted here")
    expect(page.get_by_role("link", name="Connect Notion")).to_be_visible()
    assert site.store.connections.all() == []
