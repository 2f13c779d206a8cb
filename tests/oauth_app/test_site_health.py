"""A site that is paused: said on the dashboard, on `/ready` and to the operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from oauth_app.words import ahead
from svp_dagster.download.instagram import CHALLENGED
from svp_dagster.errors import Code, failure
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.pauses import downloader_versions, platform_paused_error
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.rows.waiting import waiting_outcome
from svp_dagster.store.entries import Entry
from svp_dagster.store.installation.platforms import FailedPost, Platform
from svp_dagster.store.store import Store
from tests.oauth_app.dagster_stand_in import dagster
from tests.oauth_app.people import Person
from tests.oauth_app.test_entries import VIDEO, add, fail

REEL = "https://www.instagram.com/reel/C0aaaaaaaaa/"
OLD_VERSIONS = "yt-dlp 2026.1.1, curl_cffi 0.1"
NOTICE = "TikTok can't be read at the moment"


@pytest.fixture
def environment(environment: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An installation in which all is ready."""
    with dagster() as url:
        environment.setenv("SVP_DAGSTER_URL", url)
        yield environment


FAILED = FailedPost(connection_id="ada", post="1")


def break_down(store: Store, *, rows_to_pause: int = 1, now: datetime | None = None) -> Platform:
    """TikTok fails for a row."""
    return store.platforms.failed(
        "tiktok",
        failed=FAILED,
        code=Code.SITE_CHANGED,
        rows_to_pause=rows_to_pause,
        downloader=OLD_VERSIONS,
        now=now or datetime.now(UTC),
    )


def work(store: Store, *, by_canary: bool = False) -> Platform:
    return store.platforms.worked("tiktok", by_canary=by_canary, downloader=OLD_VERSIONS, now=datetime.now(UTC))


def wait_for_site(store: Store, entry: Entry) -> Entry:
    """Let a row wait for TikTok."""
    now = datetime.now(UTC)
    error = platform_paused_error(break_down(store), now=now)
    return store.entries.postpone(entry.link, waiting_outcome(error, until=now + timedelta(minutes=15)), now=now)


def ready(app: Flask) -> tuple[int, Any]:
    answer = app.test_client().get("/ready")
    return answer.status_code, answer.json


def test_a_paused_site_is_said_on_top_of_the_links_and_gone_when_it_works(ada: Person, store: Store) -> None:
    assert NOTICE not in ada.see("/entries")
    break_down(store, now=datetime.now(UTC) - timedelta(minutes=5))
    page = ada.see("/entries")
    for words in (NOTICE, "noticed 5 min ago", "start by themselves", "It is tried again in 10 min."):
        assert words in page
    for jargon in ("yt-dlp", "canary", "site_changed"):
        assert jargon not in page
    work(store, by_canary=True)
    assert NOTICE not in ada.see("/entries")


def test_the_notice_comes_and_goes_while_the_page_is_open(ada: Person, store: Store) -> None:
    address = ada.see("/entries").partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert ada.client.get(address).status_code == 204
    break_down(store)
    assert NOTICE in ada.client.get(address).text


def test_a_canary_that_is_due_comes_any_moment(ada: Person, store: Store) -> None:
    break_down(store, now=datetime.now(UTC) - timedelta(hours=3))
    page = ada.see("/entries")
    assert "It is tried again any moment now." in page
    assert "noticed 3 h ago" in page


def test_a_link_of_a_paused_site_is_not_promised_to_start_at_once(ada: Person, store: Store) -> None:
    break_down(store)
    ada.submit("/entries", url=VIDEO, tag="cooking")
    assert "Added. It starts by itself once downloads from TikTok work again." in ada.see("/entries")
    ada.submit("/entries", url=REEL, tag="cooking")
    assert "Added. It starts within seconds." in ada.see("/entries")
    page_id = add(ada)["id"]
    fail(store, page_id)
    ada.submit(f"/entries/{page_id}/retry")
    assert "Asked again. It starts by itself once downloads from TikTok work again." in ada.see("/entries")


def test_a_row_that_waits_for_its_site_is_promised_no_time_and_no_retry(ada: Person, store: Store) -> None:
    entry = store.entries.get(add(ada)["id"])
    assert entry is not None
    waits = wait_for_site(store, entry)
    assert waits.retry_at is not None
    for path in ("/entries", f"/entries/{entry.link.page_id}"):
        page = ada.see(path)
        assert "Waits for the site" in page
        assert "This link waits, and starts by itself once they work again." in page
        assert f"{waits.retry_at:%H:%M}" not in page.partition('class="entry"')[2].partition("</article>")[0]
        assert ">Retry" not in page


def test_a_row_without_a_usable_link_can_be_asked_for_while_a_site_is_paused(ada: Person, store: Store) -> None:
    break_down(store)
    entry = store.entries.get(add(ada)["id"])
    assert entry is not None
    store.entries.request(entry.link.model_copy(update={"url": "cats", "link": None}), now=datetime.now(UTC))
    fail(store, entry.link.page_id)
    ada.submit(f"/entries/{entry.link.page_id}/retry")
    assert "Asked again. It starts within seconds." in ada.see("/entries")


def test_a_paused_site_is_told_and_leaves_the_installation_ready(app: Flask, ada: Person, store: Store) -> None:
    work(store)
    paused = break_down(store)
    store.platforms.canary_failed("tiktok", problem="The site changed.", now=datetime.now(UTC))
    code, found = ready(app)
    assert (code, found["ready"]) == (200, True)
    assert found["downloader"] == downloader_versions()
    told = found["platforms"]["tiktok"]
    times = {name: datetime.fromisoformat(told.pop(name)) for name in ("paused_since", "next_canary_at", "worked_at")}
    assert times == {
        "paused_since": paused.paused_since,
        "next_canary_at": paused.canary_at,
        "worked_at": paused.good_at,
    }
    assert told == {
        "state": "paused",
        "failure_code": "site_changed",
        "failing": 1,
        "canary_problem": "The site changed.",
        "downloader": OLD_VERSIONS,
        "resting": [],
    }
    assert VIDEO not in str(found)


@pytest.mark.parametrize("state", ["ok", "on_trial", "failing"])
def test_a_site_that_is_let_through_says_how_it_goes(app: Flask, store: Store, state: str) -> None:
    if state == "ok":
        work(store)
    else:
        break_down(store, rows_to_pause=1 if state == "on_trial" else 5)
    if state == "on_trial":
        work(store, by_canary=True)
    told = ready(app)[1]["platforms"]["tiktok"]
    assert told["state"] == ("ok" if state == "failing" else state)
    assert told["failing"] == (1 if state == "failing" else 0)
    assert (told["paused_since"], told["next_canary_at"]) == (None, None)


def test_nothing_is_told_of_sites_where_the_database_does_not_answer(app: Flask, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE platforms")
    assert ready(app)[1]["platforms"] is None


def test_the_operator_sees_sites_and_versions(person: Person, store: Store, tmp_path: Path) -> None:
    person.see("/operator")
    person.client.post(
        "/operator/key", data={"key": (tmp_path / "home" / "operator.key").read_text(), "csrf_token": csrf(person)}
    )
    page = person.see("/operator")
    assert "Nothing was downloaded yet." in page
    assert f"Installed: {downloader_versions()}." in page
    break_down(store)
    store.platforms.canary_failed("tiktok", problem="The site <changed>.", now=datetime.now(UTC))
    page = person.see("/operator")
    for words in ("TikTok", "site_changed", "in 15 min", "The site &lt;changed&gt;.", OLD_VERSIONS, "Never worked yet"):
        assert words in page


def test_the_operator_sees_which_address_a_site_refuses_and_why(
    app: Flask, person: Person, store: Store, tmp_path: Path
) -> None:
    pace = SitePace(store, SiteRules()).of_row("ada", "row")
    pace.throttled("instagram direct", failure(Code.RATE_LIMITED, detail=CHALLENGED, retry_after_s=7200))
    store.platforms.failed(
        "instagram",
        failed=FAILED,
        code=Code.RATE_LIMITED,
        rows_to_pause=5,
        downloader=OLD_VERSIONS,
        now=datetime.now(UTC),
    )
    (resting,) = ready(app)[1]["platforms"]["instagram"]["resting"]
    assert (resting["name"], resting["problem"]) == ("instagram direct", "challenge_required")

    person.see("/operator")
    person.client.post(
        "/operator/key", data={"key": (tmp_path / "home" / "operator.key").read_text(), "csrf_token": csrf(person)}
    )
    page = person.see("/operator")
    for words in ("Refuses the address “instagram direct”", "challenge_required", "It is asked again in 2 h."):
        assert words in page


def csrf(person: Person) -> str:
    """The token of a page for people who aren't signed in."""
    return person.see("/operator").partition('name="csrf_token" value="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=-1), "any moment now"),
        (timedelta(seconds=59), "any moment now"),
        (timedelta(minutes=14, seconds=30), "in 15 min"),
        (timedelta(minutes=110), "in 2 h"),
    ],
)
def test_how_far_ahead_a_canary_is(app: Flask, left: timedelta, words: str) -> None:
    with app.app_context():
        assert ahead(datetime.now(UTC) + left) == words
