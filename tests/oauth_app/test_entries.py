"""Links: added, listed, asked for again; by API and on the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import ContentPage, JsonObject, PaidCall, Status
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store
from svp_dagster.store.tables import LinkDatabaseRow
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person
from tests.store.examples import record_poll

VIDEO = "https://www.tiktok.com/@ada/video/7300000000000000001"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROBLEM = {"error", "message", "entry_id", "timestamp", "retry_count"}


def add(person: Person, url: str = VIDEO, **fields: str) -> JsonObject:
    answer = person.ask("POST", "/api/entries", {"url": url, "tag": "cooking"} | fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json or {})


def refused(person: Person, method: str, path: str, json: Any = None) -> tuple[int, JsonObject]:
    answer = person.ask(method, path, json)
    assert answer.status_code >= 400, answer.text
    problem = dict(answer.json or {})
    assert set(problem) >= PROBLEM
    assert datetime.fromisoformat(problem["timestamp"]).tzinfo is not None
    return answer.status_code, problem


def begin(store: Store, page_id: str, run_id: str = "run") -> str:
    store.entries.claim(page_id, run_id, may_take_over=lambda _: True, now=NOW)
    return run_id


def fail(store: Store, page_id: str, error: SvpError | None = None) -> Entry:
    return store.entries.fail(page_id, begin(store, page_id), failure_rule(error or failure(Code.GONE)), now=NOW)


def row(notion: NotionSandbox, page_id: str) -> JsonObject:
    found: JsonObject = notion.raw.get(f"/v1/pages/{page_id}").json()["properties"]
    return found


def test_an_added_link_is_a_pending_row_and_its_connection_is_due(
    ada: Person, notion: NotionSandbox, store: Store
) -> None:
    (due,) = store.databases.due(now=datetime.now(UTC), limit=1)
    record_poll(store, due, next_due_at=datetime.now(UTC) + timedelta(hours=1), now=datetime.now(UTC))
    entry = add(ada, f"Look at this: {VIDEO}?utm_source=x #pasta", processing_type="speech")
    assert (entry["url"], entry["tag"], entry["status"]) == (VIDEO, "cooking", "pending")
    cells = row(notion, entry["id"])
    assert cells["url"]["url"] == VIDEO
    assert cells["tag"]["select"]["name"] == "cooking"
    assert cells["status"]["select"]["name"] == "pending"
    assert cells["processing_type"]["select"]["name"] == "speech"
    assert len(store.databases.due(now=datetime.now(UTC), limit=1)) == 1


def test_an_added_link_is_known_at_once(ada: Person, store: Store) -> None:
    entry = add(ada)
    assert ada.ask("GET", f"/api/entries/{entry['id']}").json == entry | {"outcome": None}
    kept = store.entries.get(entry["id"])
    assert kept is not None
    assert not kept.is_unsynced


@pytest.mark.parametrize(
    "url", ["cats", "https://example.com/video", "https://www.tiktok.com/@ada", "javascript:alert(1)", "a\x00b"]
)
def test_a_link_that_no_run_can_use_makes_no_row(ada: Person, notion: NotionSandbox, url: str) -> None:
    notion.forget()
    status, problem = refused(ada, "POST", "/api/entries", {"url": url, "tag": "cooking"})
    assert (status, problem["error"]) == (422, "unsupported_link")
    assert problem["entry_id"] is None
    assert notion.requests("POST", "/v1/pages") == []


def test_an_unknown_tag_names_the_known_ones(ada: Person) -> None:
    status, problem = refused(ada, "POST", "/api/entries", {"url": VIDEO, "tag": "travel"})
    assert (status, problem["error"]) == (422, "unknown_tag")
    assert "“cooking”" in problem["message"]


def test_without_a_link_database_nothing_can_be_added(person: Person) -> None:
    status, problem = refused(person.sign_in(), "POST", "/api/entries", {"url": VIDEO, "tag": "cooking"})
    assert (status, problem["error"]) == (409, "no_link_database")


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"{", b"null", b"\xff", b"0"])
def test_a_body_that_is_no_json_object_is_refused(ada: Person, raw: bytes) -> None:
    headers = {"X-CSRFToken": ada.csrf, "Content-Type": "application/json"}
    answer = ada.client.post("/api/entries", data=raw, headers=headers)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "no_json"


@pytest.mark.parametrize("body", [None, {}, {"url": VIDEO, "tag": 1}, {"url": VIDEO, "tag": "cooking", "x": 1}])
def test_a_body_that_does_not_fit_is_refused_without_being_quoted(ada: Person, body: object) -> None:
    status, problem = refused(ada, "POST", "/api/entries", body)
    assert (status, problem["error"]) == (422, "invalid_request")
    assert problem["details"]
    assert VIDEO not in str(problem)


def test_a_row_whose_answer_was_lost_is_not_added_twice(ada: Person, notion: NotionSandbox, store: Store) -> None:
    notion.fail("/v1/pages$", method="POST", cut="before_answer", when="after")
    add(ada)
    link_database = store.databases.link_database(ada.connection_id)
    assert link_database is not None
    assert len(notion.ledger(link_database.data_source_id)["pages"]) == 1


def test_a_failed_link_is_asked_for_again(ada: Person, notion: NotionSandbox, store: Store) -> None:
    page_id = add(ada)["id"]
    fail(store, page_id)
    answer = ada.ask("POST", f"/api/entries/{page_id}/retry")
    assert answer.status_code == 202
    assert answer.json is not None
    assert (answer.json["status"], answer.json["error"], answer.json["message"]) == ("pending", None, None)
    assert row(notion, page_id)["status"]["select"]["name"] == "pending"
    kept = store.entries.get(page_id)
    assert kept is not None
    # The status is synced: else a sweep would write the old one over the person's.
    assert (kept.status, kept.requests, kept.attempts, kept.is_unsynced) == (Status.PENDING, 2, 0, False)


def test_a_link_that_waits_for_its_time_is_asked_for_at_once(ada: Person, notion: NotionSandbox, store: Store) -> None:
    page_id = add(ada)["id"]
    waits = fail(store, page_id, failure(Code.RATE_LIMITED))
    assert waits.is_waiting
    page = ada.see("/entries")
    for words in ("Tried again later", "Retry now", waits.sentence or "?"):
        assert words in page
    answer = ada.ask("POST", f"/api/entries/{page_id}/retry")
    assert answer.status_code == 202
    assert answer.json is not None
    assert (answer.json["status"], answer.json["retry_at"], answer.json["message"]) == ("pending", None, None)
    kept = store.entries.get(page_id)
    assert kept is not None
    assert not kept.is_unsynced
    assert not kept.is_waiting


@pytest.mark.parametrize("status", ["pending", "downloading", "completed"])
def test_only_failed_links_are_asked_for_again(ada: Person, store: Store, status: str) -> None:
    page_id = add(ada)["id"]
    if status != "pending":
        run_id = begin(store, page_id)
        store.entries.set_status(page_id, run_id, Status.DOWNLOADING, now=NOW)
        if status == "completed":
            store.entries.complete(page_id, run_id, now=NOW)
    code, problem = refused(ada, "POST", f"/api/entries/{page_id}/retry")
    assert (code, problem["error"], problem["entry_id"], problem["retry_count"]) == (409, "not_failed", page_id, 0)
    assert status in problem["message"]


def test_asking_again_for_a_row_that_is_gone_is_told(ada: Person, notion: NotionSandbox, store: Store) -> None:
    page_id = add(ada)["id"]
    fail(store, page_id)
    notion.trash(page_id)
    code, problem = refused(ada, "POST", f"/api/entries/{page_id}/retry")
    assert (code, problem["error"], problem["entry_id"]) == (404, "row_gone", page_id)
    kept = store.entries.get(page_id)
    assert kept is not None
    assert kept.status is Status.FAILED


def test_an_error_counts_how_often_the_run_was_tried(ada: Person, store: Store, notion: NotionSandbox) -> None:
    page_id = add(ada)["id"]
    for number in range(3):
        begin(store, page_id, f"run-{number}")
    store.entries.fail(page_id, "run-2", failure_rule(failure(Code.GONE)), now=NOW)
    notion.fail(f"/v1/pages/{page_id}", status=503, body={}, times=None)
    code, problem = refused(ada, "POST", f"/api/entries/{page_id}/retry")
    assert (code, problem["error"], problem["retry_count"]) == (503, "notion_unreachable", 2)


@pytest.mark.parametrize("page_id", ["nothing", "0" * 32, "00000000-0000-0000-0000-000000000000", "a b", "ä"])
def test_an_unknown_entry_is_told_under_its_id(ada: Person, page_id: str) -> None:
    code, problem = refused(ada, "GET", f"/api/entries/{page_id}")
    assert (code, problem["error"], problem["retry_count"]) == (404, "no_such_entry", 0)


def test_an_entry_tells_its_stages_engines_and_cost(ada: Person, store: Store) -> None:
    page_id = add(ada)["id"]
    run_id = begin(store, page_id)
    store.entries.note(page_id, run_id, stage="transcribe", seconds=2.5, engine="whisper-1", title="Lemon pasta")
    pay(store, ada.connection_id, page_id, usd=0.25)
    made = ContentPage(page_id=f"page of {page_id}", url="https://www.notion.so/p", created=True)
    store.entries.set_content_page(page_id, run_id, made, data_source_id="d")
    store.entries.complete(page_id, run_id, now=NOW)
    entry = ada.ask("GET", f"/api/entries/{page_id}").json
    assert entry is not None
    assert (entry["title"], entry["cost_usd"], entry["status"]) == ("Lemon pasta", 0.25, "completed")
    assert entry["stage_seconds"] == {"transcribe": 2.5}
    assert entry["engines"] == {"transcribe": "whisper-1"}
    assert entry["content_page_url"] == "https://www.notion.so/p"
    page = ada.see(f"/entries/{page_id}")
    for words in ("Lemon pasta", "whisper-1", "$0.25", "https://www.notion.so/p", "/runs/run"):
        assert words in page


def test_an_unknown_price_is_unknown_and_not_nothing(ada: Person, store: Store) -> None:
    page_id = add(ada)["id"]
    pay(store, ada.connection_id, page_id, usd=None)
    store.entries.complete(page_id, begin(store, page_id), now=NOW)
    entry = ada.ask("GET", f"/api/entries/{page_id}").json
    assert entry is not None
    assert entry["cost_usd"] is None
    assert "of unknown price" in ada.see(f"/entries/{page_id}")


def test_the_server_filters_and_pages(ada: Person, store: Store) -> None:
    page_ids = [add(ada, VIDEO[:-2] + f"{number:02d}")["id"] for number in range(25)]
    for page_id in page_ids[:3]:
        fail(store, page_id)
    assert listed(ada) == (page_ids[:4:-1], 25)
    assert listed(ada, limit=2, offset=24) == (page_ids[:1], 25)
    assert listed(ada, status="failed") == (page_ids[2::-1], 3)
    assert listed(ada, tag="travel") == ([], 0)

    first, second = ada.see("/entries"), ada.see("/entries?offset=20")
    assert (first.count('<article class="entry"'), second.count('<article class="entry"')) == (20, 5)
    assert "1–20 of 25" in first
    assert "21–25 of 25" in second
    failed = ada.see("/entries?show=failed")
    assert failed.count('<article class="entry"') == 3
    assert "Failed 3" in failed
    assert "In progress 22" in failed
    assert "None like that." in ada.see("/entries?show=completed")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "offset=-1", "offset=x", "status=done", "other=1"])
def test_a_query_that_does_not_fit_is_refused(ada: Person, query: str) -> None:
    assert refused(ada, "GET", f"/api/entries?{query}")[0] == 422


def test_characters_that_no_text_has_are_refused(ada: Person) -> None:
    for path in ("/api/entries/%00", "/api/entries?tag=%00", "/entries?tag=a%00b", "/entries/%00/notion"):
        assert ada.client.get(path).status_code == 400
    assert ada.submit("/settings", output_language="\x00").status_code == 400


@pytest.mark.parametrize(
    "query", ["show=x", "offset=-5", "offset=x", "offset=99999999999999999999", "tag=" + "x" * 999]
)
def test_an_odd_address_of_the_dashboard_is_no_error(ada: Person, query: str) -> None:
    assert "Add" in ada.see(f"/entries?{query}")


def test_the_live_part_is_sent_when_it_changed_and_only_then(ada: Person, store: Store) -> None:
    page_id = add(ada)["id"]
    fail(store, page_id)
    page = ada.see("/entries")
    address = page.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert ada.client.get(address).status_code == 204
    ada.ask("POST", f"/api/entries/{page_id}/retry")
    changed = ada.client.get(address)
    assert changed.status_code == 200
    assert "Waiting" in changed.text
    assert "<html" not in changed.text


def test_a_list_that_is_open_while_its_connection_ends_leads_to_the_start(ada: Person) -> None:
    ada.submit("/auth/sign-out")
    answer = ada.client.get("/entries/live", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text, answer.headers["HX-Redirect"]) == (401, "", "/")


def test_retry_leads_back_to_where_it_was_pressed(ada: Person, store: Store) -> None:
    page_id = add(ada)["id"]
    fail(store, page_id)
    assert ada.submit(f"/entries/{page_id}/retry", **{"from": "list"}).location == "/entries"
    assert ada.submit(f"/entries/{page_id}/retry", **{"from": "link"}).location == f"/entries/{page_id}"
    assert "only those that failed or wait" in ada.see("/entries")


def test_a_thumbnail_is_shown(ada: Person, store: Store) -> None:
    page_id = add(ada)["id"]
    assert ada.client.get(f"/api/entries/{page_id}/thumbnail.jpg").status_code == 404
    run_id = begin(store, page_id)
    store.entries.note(page_id, run_id, stage="download", seconds=1, media_key="tiktok:1")
    Thumbnails(storage=storage(Settings())).put("tiktok:1", b"\xff\xd8jpeg")
    shown = ada.client.get(f"/api/entries/{page_id}/thumbnail.jpg")
    assert (shown.data, shown.mimetype) == (b"\xff\xd8jpeg", "image/jpeg")
    assert f"/entries/{page_id}/thumbnail" in ada.see("/entries")
    assert ada.client.get(f"/entries/{page_id}/thumbnail").data == b"\xff\xd8jpeg"


def test_the_row_at_notion_is_where_notion_says(ada: Person, notion: NotionSandbox) -> None:
    page_id = add(ada)["id"]
    url = notion.raw.get(f"/v1/pages/{page_id}").json()["url"]
    assert ada.client.get(f"/entries/{page_id}/notion").location == url
    notion.trash(page_id)
    gone = ada.client.get(f"/entries/{page_id}/notion")
    assert gone.status_code == 404
    assert "To the start page" in gone.text


def test_words_of_strangers_are_words_and_no_markup(ada: Person, store: Store) -> None:
    page_id = add(ada)["id"]
    run_id = begin(store, page_id)
    store.entries.note(page_id, run_id, stage="download", seconds=1, title="<script>alert(1)</script>\"'")
    store.entries.fail(
        page_id, run_id, failure_rule(failure(Code.UNSUPPORTED_LINK, reason="<img src=x onerror=alert(1)>")), now=NOW
    )
    for path in ("/entries", f"/entries/{page_id}", "/entries/live"):
        page = ada.see(path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_link_that_can_not_be_used_is_told_beside_the_form(ada: Person) -> None:
    page = ada.submit("/entries", url="https://example.com/<cats>", tag="cooking")
    assert page.status_code == 422
    assert "neither TikTok nor Instagram" in page.text
    assert 'value="https://example.com/&lt;cats&gt;"' in page.text
    assert "Link is missing." in ada.submit("/entries", tag="cooking").text


def listed(person: Person, **query: Any) -> tuple[list[str], int]:
    answer = person.client.get("/api/entries", query_string=query)
    assert answer.status_code == 200, answer.text
    found: Any = answer.json
    return [entry["id"] for entry in found["entries"]], found["total"]


def pay(store: Store, connection_id: str, page_id: str, *, usd: float | None) -> None:
    call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=usd)
    store.ledger.add(call, connection_id=connection_id, page_id=page_id, run_id="run", now=NOW)


def test_opening_the_app_ends_idleness(ada: Person, store: Store) -> None:
    now = datetime.now(UTC)
    away = {"active_at": now - timedelta(days=30), "due_at": now + timedelta(minutes=9), "requested_at": None}
    with store.engine.begin() as connection:
        connection.execute(update(LinkDatabaseRow).values(**away))
    ada.see("/entries")
    database = store.databases.link_database(ada.connection_id)
    assert database is not None
    assert database.due_at <= datetime.now(UTC)
    assert database.active_at >= now
