"""Links that failed, asked for again all at once; by API and on the page."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from svp_dagster.errors import Code, failure, failure_of
from svp_dagster.models import Status
from svp_dagster.rows.retry import MOST_AT_ONCE
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox, RunningNotion
from tests.oauth_app.people import Person
from tests.oauth_app.test_entries import NOW, VIDEO, add, fail, refused
from tests.store.examples import GONE


@pytest.fixture
def failed(ada: Person, store: Store) -> list[str]:
    """Three links that failed: two are gone, one is private."""
    page_ids = [add(ada, VIDEO[:-1] + str(number))["id"] for number in range(3)]
    for page_id, code in zip(page_ids, (Code.GONE, Code.PRIVATE, Code.GONE), strict=True):
        fail(store, page_id, failure_of(code, {}))
    return page_ids


def retry_failed(person: Person, **which: str) -> Any:
    answer = person.ask("POST", "/api/entries/retry", which)
    assert answer.status_code == 202, answer.text
    return answer.json


def status(store: Store, page_id: str) -> Status:
    found = store.entries.get(page_id)
    assert found is not None
    return found.status


def test_all_that_failed_are_asked_for_again_without_asking_notion(
    ada: Person, notion: NotionSandbox, store: Store, failed: list[str]
) -> None:
    done, going_on = add(ada)["id"], add(ada)["id"]
    store.entries.claim(done, "run", may_take_over=lambda _: True, now=NOW)
    store.entries.complete(done, "run", now=NOW)
    notion.forget()
    assert retry_failed(ada) == {"asked": 3, "left": 0}
    assert notion.requests("PATCH", "/v1/pages") == []
    for page_id in failed:
        kept = store.entries.get(page_id)
        assert kept is not None
        # The new status is the one to be synced.
        assert (kept.status, kept.requests, kept.is_unsynced) == (Status.PENDING, 2, True)
    assert (status(store, done), status(store, going_on)) == (Status.COMPLETED, Status.PENDING)
    assert retry_failed(ada) == {"asked": 0, "left": 0}


def test_only_those_with_a_code_or_a_tag_are_asked_for_again(ada: Person, store: Store, failed: list[str]) -> None:
    assert retry_failed(ada, code="private", tag="travel") == {"asked": 0, "left": 0}
    assert retry_failed(ada, code="private", tag="cooking") == {"asked": 1, "left": 0}
    assert [status(store, page_id) for page_id in failed] == [Status.FAILED, Status.PENDING, Status.FAILED]


def test_rows_that_are_gone_from_notion_are_left_out(ada: Person, store: Store, failed: list[str]) -> None:
    fail(store, add(ada)["id"], failure(Code.ROW_GONE))
    page = ada.see("/entries?show=failed")
    assert "Failed 4" in page
    assert "Retry all 3" in page
    assert "without 1 whose rows in Notion are gone" in page
    assert retry_failed(ada)["asked"] == 3


@pytest.mark.parametrize("which", [{"code": "no_such_code"}, {"code": 1}, {"tag": "x" * 101}, {"other": "x"}])
def test_what_names_no_failure_is_refused(ada: Person, store: Store, failed: list[str], which: Any) -> None:
    assert refused(ada, "POST", "/api/entries/retry", which)[0] == 422
    assert {status(store, page_id) for page_id in failed} == {Status.FAILED}


def test_without_a_link_database_there_is_nothing_to_retry(person: Person) -> None:
    code, problem = refused(person.sign_in(), "POST", "/api/entries/retry", {})
    assert (code, problem["error"]) == (409, "no_link_database")
    assert person.submit("/entries/retry").location == "/entries"


def test_what_is_more_than_one_request_takes_is_left_for_the_next(ada: Person, store: Store, failed: list[str]) -> None:
    entry = store.entries.get(failed[0])
    assert entry is not None
    for number in range(MOST_AT_ONCE):
        link = entry.link.model_copy(update={"page_id": f"row-{number}"})
        store.entries.reject(link, GONE, now=NOW)
    assert f"Retry {MOST_AT_ONCE} of {MOST_AT_ONCE + 3}" in ada.see("/entries?show=failed")
    ada.submit("/entries/retry", tag="")
    assert "Asked again for 500. They start by themselves, a few at a time. 3 more are left." in ada.see("/entries")
    assert retry_failed(ada, code="gone") == {"asked": 3, "left": 0}
    assert retry_failed(ada) == {"asked": 0, "left": 0}


def test_one_click_asks_again_for_all_that_are_shown(ada: Person, store: Store, failed: list[str]) -> None:
    assert "Retry all" not in ada.see("/entries")
    assert "Retry all 3" in ada.see("/entries?show=failed")
    assert "Retry all" not in ada.see("/entries?show=failed&tag=travel")
    assert ada.submit("/entries/retry", tag="travel").location == "/entries?show=waiting&tag=travel"
    assert "None was left to try again." in ada.see("/entries")
    assert {status(store, page_id) for page_id in failed} == {Status.FAILED}

    assert ada.submit("/entries/retry", tag="").location == "/entries?show=waiting"
    page = ada.see("/entries?show=waiting")
    assert "Asked again for 3." in page
    assert page.count('<article class="entry"') == 3
    assert {status(store, page_id) for page_id in failed} == {Status.PENDING}


def test_a_single_failed_link_has_its_own_button_and_no_other(ada: Person, store: Store) -> None:
    fail(store, add(ada)["id"])
    page = ada.see("/entries?show=failed")
    assert ">Retry<" in page
    assert "Retry all" not in page


def test_a_form_from_elsewhere_asks_for_nothing(ada: Person, store: Store, failed: list[str]) -> None:
    assert ada.client.post("/entries/retry", data={"tag": ""}).status_code == 400
    assert ada.client.post("/api/entries/retry", json={}).status_code == 400
    assert {status(store, page_id) for page_id in failed} == {Status.FAILED}


def test_the_links_of_others_are_left_alone(
    app: Flask, running: RunningNotion, ada: Person, store: Store, failed: list[str]
) -> None:
    with running.fresh_workspace() as other:
        stranger = Person(app, other).sign_in().set_up()
        own = [add(stranger, VIDEO[:-1] + str(number))["id"] for number in range(2)]
        for page_id in own:
            fail(store, page_id)
        assert "Retry all 2" in stranger.see("/entries?show=failed")
        assert retry_failed(stranger, tag="cooking") == {"asked": 2, "left": 0}
        stranger.submit("/entries/retry", tag="cooking")
    assert {status(store, page_id) for page_id in own} == {Status.PENDING}
    assert {status(store, page_id) for page_id in failed} == {Status.FAILED}
