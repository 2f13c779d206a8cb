"""One person, with bad links or many of them, decides for nobody else whether a site is paused. On both databases."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import ContentPage, Link, LinkEntry
from svp_dagster.rows.pauses import (
    MAX_CANARIES,
    SITE_FAULTS,
    Canary,
    choose_canaries,
    platform_paused_error,
    try_canaries,
    watched,
)
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.rows.waiting import waiting_outcome
from svp_dagster.store.installation.platforms import ASKED_WITHIN, Platform
from svp_dagster.store.store import Store
from tests.store.examples import sign_in

RULES = SiteRules(rows_to_pause=5)
BROKEN = failure(Code.SITE_CHANGED)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """The present: the rules of pauses look at the clock."""
    return datetime.now(UTC)


def post(number: int) -> Link:
    return Link(url=f"https://www.tiktok.com/@cook/video/{number}", platform="tiktok", post_id=str(number))


def people(store: Store, names: Iterable[str], *, now: datetime) -> dict[str, str]:
    """A connection of each person, by name."""
    return {name: sign_in(store, now=now, bot_id=name, workspace_id=name, owner_id=name).id for name in names}


def add(store: Store, connection_id: str, link: Link, *, at: datetime) -> str:
    """A row that a run works on; its page id."""
    page_id = f"{connection_id} {link.url} {at}"
    row = LinkEntry(
        page_id=page_id, connection_id=connection_id, url=link.url, link=link, tag="cooking", last_edited_time=at
    )
    store.entries.request(row, now=at)
    store.entries.claim(page_id, f"run of {page_id}", may_take_over=lambda _: True, now=at)
    return page_id


def fail(store: Store, connection_id: str, link: Link, *, leads_to: Link | None = None) -> None:
    """Let a connection's row fail as it does where its site changed."""
    add(store, connection_id, link, at=datetime.now(UTC))
    with suppress(SvpError), watched(store, link, connection_id=connection_id, rules=RULES) as attempt:
        attempt.post = leads_to or link
        raise BROKEN


def work(store: Store, connection_id: str, link: Link, *, at: datetime) -> None:
    """Let a connection's row be completed."""
    page_id = add(store, connection_id, link, at=at)
    run_id = f"run of {page_id}"
    store.entries.set_content_page(
        page_id,
        run_id,
        ContentPage(page_id=f"page of {page_id}", url="https://notion.so/page", created=True),
        data_source_id="s",
    )
    store.entries.complete(page_id, run_id, now=at)


def wait(store: Store, connection_id: str, link: Link, *, at: datetime) -> None:
    """Let a connection's row wait for the paused site."""
    row = LinkEntry(
        page_id=f"{connection_id} {link.url}",
        connection_id=connection_id,
        url=link.url,
        link=link,
        tag="cooking",
        last_edited_time=at,
    )
    error = platform_paused_error(tiktok(store), now=at)
    store.entries.postpone(row, waiting_outcome(error, until=at + timedelta(minutes=15)), now=at)


def tiktok(store: Store) -> Platform:
    found = store.platforms.get("tiktok")
    assert found is not None
    return found


def pause(store: Store, connection_ids: Iterable[str]) -> Platform:
    """Let the site be paused: everybody's posts fail."""
    for number, connection_id in enumerate(connection_ids):
        fail_all(store, connection_id, posts_from=1000 * (number + 1))
    assert is_paused(store)
    return tiktok(store)


def fail_all(store: Store, connection_id: str, *, posts_from: int) -> None:
    """Let so many different posts of a connection fail as suffice, as long as the site is asked."""
    for number in range(RULES.rows_to_pause):
        if not is_paused(store):
            fail(store, connection_id, post(posts_from + number))


def is_paused(store: Store) -> bool:
    found = store.platforms.get("tiktok")
    return found is not None and found.is_paused


def chosen(store: Store, platform: Platform, rules: SiteRules = RULES) -> list[Canary]:
    known = store.sweep.links_of_each("tiktok", SITE_FAULTS | {Code.PLATFORM_PAUSED}, since=LONG_AGO, limit=3)
    return choose_canaries(platform, known=known, rules=rules)


def test_a_bad_link_that_is_added_again_and_again_pauses_nothing(store: Store, now: datetime) -> None:
    of = people(store, ["ada"], now=now)
    for _ in range(2 * RULES.rows_to_pause):
        fail(store, of["ada"], post(1))
    assert not tiktok(store).is_paused


def test_many_short_links_of_one_bad_post_pause_nothing(store: Store, now: datetime) -> None:
    of = people(store, ["ada"], now=now)
    for number in range(2 * RULES.rows_to_pause):
        short = Link(url=f"https://vm.tiktok.com/ZM{number}/", platform="tiktok", post_id=None)
        fail(store, of["ada"], short, leads_to=post(1))
    assert not tiktok(store).is_paused


def test_one_bad_link_that_everybody_adds_pauses_nothing(store: Store, now: datetime) -> None:
    of = people(store, "abcdef", now=now)
    for connection_id in of.values():
        fail(store, connection_id, post(1))
    assert not tiktok(store).is_paused


def test_different_posts_of_the_only_person_pause_the_site(store: Store, now: datetime) -> None:
    of = people(store, ["ada"], now=now)
    for number in range(RULES.rows_to_pause):
        assert not is_paused(store)
        fail(store, of["ada"], post(number))
    assert is_paused(store)


def test_the_posts_of_one_person_among_others_pause_nothing(store: Store, now: datetime) -> None:
    of = people(store, ["ada", "mallory"], now=now)
    work(store, of["ada"], post(1), at=now - timedelta(hours=1))
    for number in range(10 * RULES.rows_to_pause):
        fail(store, of["mallory"], post(100 + number))
    assert not tiktok(store).is_paused
    assert len(tiktok(store).failing) == RULES.rows_to_pause
    fail(store, of["ada"], post(2))
    assert tiktok(store).is_paused


def test_who_asked_nothing_for_hours_is_not_waited_for(store: Store, now: datetime) -> None:
    of = people(store, ["ada", "grace"], now=now)
    work(store, of["grace"], post(1), at=now - ASKED_WITHIN - timedelta(minutes=1))
    fail_all(store, of["ada"], posts_from=100)
    assert is_paused(store)


def test_who_left_is_no_witness(store: Store, now: datetime) -> None:
    of = people(store, ["ada", "grace"], now=now)
    work(store, of["grace"], post(1), at=now)
    store.connections.end(of["grace"], now=now)
    fail_all(store, of["ada"], posts_from=100)
    assert is_paused(store)


@pytest.mark.parametrize(("asking", "enough"), [(2, 2), (3, 2), (4, 3), (9, 5), (20, 5)])
def test_so_many_people_together_can_pause_a_site(store: Store, now: datetime, asking: int, enough: int) -> None:
    of = list(people(store, [f"person {number}" for number in range(asking)], now=now).values())
    for connection_id in of:
        work(store, connection_id, post(1), at=now)
    for number, connection_id in enumerate(of[:enough]):
        assert not is_paused(store)
        fail_all(store, connection_id, posts_from=1000 * (number + 1))
    assert is_paused(store)


def test_on_trial_one_person_among_others_can_not_pause_the_site_again(store: Store, now: datetime) -> None:
    of = people(store, ["ada", "mallory"], now=now)
    pause(store, of.values())
    wait(store, of["ada"], post(1), at=now)
    store.platforms.resume("tiktok", now=now)
    fail(store, of["mallory"], post(2))
    fail(store, of["mallory"], post(3))
    assert tiktok(store).on_trial
    fail(store, of["ada"], post(1))
    assert tiktok(store).is_paused


def test_each_canary_is_of_another_person_and_all_have_their_turn(store: Store, now: datetime) -> None:
    of = people(store, [f"person {number}" for number in range(8)], now=now)
    platform = pause(store, of.values())
    for number, connection_id in enumerate(of.values()):
        for which in range(5):
            work(store, connection_id, post(10 * number + which), at=now + timedelta(seconds=which))
    owners_seen: set[int] = set()
    for canaries in range(1, 30):
        links = [canary.link for canary in chosen(store, platform.model_copy(update={"canaries": canaries}))]
        owners = [int(link.post_id or "") // 10 for link in links]
        assert len(set(owners)) == len(owners) == MAX_CANARIES
        owners_seen.update(owners)
    assert owners_seen == set(range(8))


def test_another_link_of_a_person_is_tried_each_time_the_last_that_worked_first(store: Store, now: datetime) -> None:
    of = people(store, ["ada", "grace"], now=now)
    platform = pause(store, of.values())
    for number in range(5):
        work(store, of["ada"], post(number), at=now + timedelta(seconds=number))
    wait(store, of["ada"], post(9), at=now)
    wait(store, of["grace"], post(90), at=now)
    tried = []
    for canaries in range(1, 6):
        links = [canary.link for canary in chosen(store, platform.model_copy(update={"canaries": canaries}))]
        assert post(90) in links
        tried += [link for link in links if link != post(90)]
    assert tried == [post(4), post(3), post(2), post(9), post(4)]


def test_the_only_person_gives_all_canaries(store: Store, now: datetime) -> None:
    of = people(store, ["ada"], now=now)
    platform = pause(store, of.values())
    for number in range(2):
        work(store, of["ada"], post(number), at=now + timedelta(seconds=number))
    wait(store, of["ada"], post(9), at=now)
    links = [canary.link for canary in chosen(store, platform.model_copy(update={"canaries": 1}))]
    assert links == [post(1), post(0), post(9)]


def test_links_of_who_left_are_not_asked_for(store: Store, now: datetime) -> None:
    of = people(store, ["ada"], now=now)
    platform = pause(store, of.values())
    work(store, of["ada"], post(1), at=now)
    store.connections.end(of["ada"], now=now)
    assert chosen(store, platform) == []


@pytest.mark.parametrize("outcomes", ["bww", "wbw", "wwb", "bw", "gwb", "gbw", "w"])
def test_one_bad_canary_does_not_keep_a_site_paused(store: Store, now: datetime, outcomes: str) -> None:
    pause(store, people(store, ["ada"], now=now).values())
    assert not tried(store, outcomes).is_paused
    assert tiktok(store).on_trial


@pytest.mark.parametrize("outcomes", ["wbb", "bwb", "bbw", "gbb", "g", "ggg"])
def test_one_good_canary_does_not_resume_a_site_that_is_broken_for_others(
    store: Store, now: datetime, outcomes: str
) -> None:
    pause(store, people(store, ["ada"], now=now).values())
    left = tried(store, outcomes)
    assert left.is_paused
    assert left.canary_problem in (BROKEN.sentence, failure(Code.GONE).sentence)


@pytest.mark.parametrize(("outcomes", "asked"), [("ww?", 2), ("bb?", 2), ("W??", 1), ("B??", 1), ("Gw", 2), ("w?", 1)])
def test_nothing_is_asked_of_a_site_once_the_outcome_is_known(
    store: Store, now: datetime, outcomes: str, asked: int
) -> None:
    pause(store, people(store, ["ada"], now=now).values())
    links: list[Link] = []
    left = tried(store, outcomes, links)
    assert len(links) == asked
    assert left.is_paused == (outcomes[0] in "bB")


def tried(store: Store, outcomes: str, links: list[Link] | None = None) -> Platform:
    """What canaries leave that work (w), break (b), or are gone (g); the operator's is a capital."""
    asked: list[Link] = [] if links is None else links

    def fetch(link: Link) -> None:
        asked.append(link)
        outcome = outcomes[int(link.post_id or "")].lower()
        assert outcome != "?"
        if outcome != "w":
            raise BROKEN if outcome == "b" else failure(Code.GONE)

    canaries = [
        Canary(link=post(number), votes=MAX_CANARIES if each in "WBG" else 1) for number, each in enumerate(outcomes)
    ]
    return try_canaries(store, "tiktok", canaries, fetch=fetch)
