"""The keys by which people choose rows in Dagster: readable, safe, and never two the same."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from uuid import UUID

import pytest
from dagster._core.definitions.partitions.utils.base import INVALID_PARTITION_SUBSTRINGS
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Link, LinkEntry
from svp_dagster.store.partition_keys import partition_keys
from svp_dagster.store.store import Store
from tests.store.examples import GONE, all_at_once, link, sign_in

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PAGE = "c83836ab-1d2e-80c1-9f00-5a5a5a5a5a5a"
SAME_BEGINNING = "c83836ab-1d2e-80c1-9f00-6b6b6b6b6b6b"
TIKTOK = Link(
    url="https://www.tiktok.com/@cook/video/7512345678901234501", platform="tiktok", post_id="7512345678901234501"
)
SHORT = Link(url="https://vm.tiktok.com/ZMabc123/", platform="tiktok", post_id=None)
OTHER_SITE = Link(url="https://youtube.com/shorts/a_B-c", platform="youtube.com", post_id="a_B-c")


def row(tag: str = "cooking", *, post: Link | None = TIKTOK, page_id: str = PAGE) -> LinkEntry:
    return LinkEntry(page_id=page_id, connection_id="c", url="", link=post, tag=tag, last_edited_time=AT)


def key(tag: str = "cooking", *, post: Link | None = TIKTOK) -> str:
    return partition_keys(row(tag, post=post))[0]


def test_a_key_says_tag_post_and_row() -> None:
    assert key() == "cooking/tiktok-7512345678901234501/c83836ab"


@pytest.mark.parametrize(
    ("post", "shown"), [(SHORT, "tiktok-ZMabc123"), (OTHER_SITE, "youtube-com-a_B-c"), (None, "no-link")]
)
def test_a_link_that_does_not_say_its_post_is_shown_by_what_it_says(post: Link | None, shown: str) -> None:
    assert key(post=post).split("/")[1] == shown


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("Cooking & baking", "Cooking-baking"),
        ("Rezepte für Gäste", "Rezepte-für-Gäste"),
        ("Ｃｏｏｋ", "Cook"),
        ("料理", "料理"),
        ("रसोई की बातें", "रसोई-की-बातें"),
        ("طبخ", "طبخ"),
        ("🍝 pasta", "🍝-pasta"),
        ("🍝", "🍝"),
        ("../../etc/passwd", "etc-passwd"),
        ("a...b, [c] * d|e", "a-b-c-d-e"),
        ("\u202eevil\u202c\u200b", "evil"),
        ("line\nbreak\0\a", "line-break"),
        ("", "tag"),
        ("!?$", "tag"),
        ("\ud800", "tag"),
        ("x" * 2000, "x" * 40),
        ("z" + "\u0315" * 500, "z" + "\u0315" * 39),
    ],
)
def test_a_tag_stays_readable_for_its_owner_and_harmless_for_everybody(tag: str, shown: str) -> None:
    assert key(tag).split("/")[0] == shown


@given(tag=st.text(max_size=60), post_id=st.none() | st.text(max_size=200), page_id=st.uuids().map(str))
def test_no_tag_and_no_post_makes_a_key_that_dagster_or_a_file_system_refuses(
    tag: str, post_id: str | None, page_id: str
) -> None:
    post = Link(url="https://x.example/" + "y" * 300, platform="x.example", post_id=post_id)
    for made in partition_keys(row(tag, post=post, page_id=page_id)):
        parts = made.split("/")
        assert len(parts) == 3
        assert all(0 < len(part.encode()) <= 255 for part in parts)
        assert not [part for part in parts if set(part) & set('.,[]*|"\\ ')]
        assert not [each for each in INVALID_PARTITION_SUBSTRINGS if each in made]
        assert not any(unicodedata.category(character)[0] in "CZ" for character in made)


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return sign_in(store, now=now).id


def started(store: Store, connection_id: str, page_id: str, *, now: datetime, tag: str = "Cooking") -> str:
    entry = store.entries.request(link(connection_id, at=now, page_id=page_id, tag=tag), now=now)
    assert entry.partition_key
    return entry.partition_key


def test_two_rows_whose_keys_would_be_the_same_get_two(store: Store, connection_id: str, now: datetime) -> None:
    first = started(store, connection_id, PAGE, now=now)
    second = started(store, connection_id, SAME_BEGINNING, now=now)

    assert first == "Cooking/tiktok-7300000000000000001/c83836ab"
    assert second == f"Cooking/tiktok-7300000000000000001/{SAME_BEGINNING}"
    found = store.entries.of_partitions([first, second, "unknown"])
    assert {each: entry.link.page_id for each, entry in found.items()} == {first: PAGE, second: SAME_BEGINNING}


def test_rows_that_start_at_the_same_moment_get_keys_of_their_own(
    store: Store, connection_id: str, now: datetime
) -> None:
    pages = [str(UUID(int=number)) for number in range(8)]
    keys = all_at_once(lambda number: started(store, connection_id, pages[number], now=now), times=8)
    assert len(set(keys)) == 8
    assert len(store.entries.of_partitions(keys)) == 8


def test_a_row_keeps_its_key_when_its_tag_and_link_are_changed(store: Store, connection_id: str, now: datetime) -> None:
    first = started(store, connection_id, PAGE, now=now)
    assert started(store, connection_id, PAGE, now=now, tag="Places") == first


def test_a_row_that_never_started_has_no_key(store: Store, connection_id: str, now: datetime) -> None:
    wrong = link(connection_id, at=now)
    assert store.entries.reject(wrong, GONE, now=now).partition_key is None
