"""Keeping what came out of an entry, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from svp_dagster.errors import ClaimLost, EntryGone
from svp_dagster.models import ContactSheet, Outcome
from svp_dagster.store.store import Store
from tests.library.outcomes import outcome
from tests.store.examples import link, sign_in

DAY = timedelta(days=1)


@pytest.fixture
def mine(store: Store, now: datetime) -> str:
    """A connection whose row `row` is held by the run `run`."""
    connection_id = sign_in(store, now=now).id
    begin(store, connection_id, "row", now=now)
    return connection_id


def begin(store: Store, connection_id: str, page_id: str, *, now: datetime) -> None:
    store.entries.request(link(connection_id, at=now, page_id=page_id), now=now)
    store.entries.claim(page_id, "run", may_take_over=lambda _: False, now=now)


def with_sheet(made: Outcome, sheet: ContactSheet | None) -> Outcome:
    return made.model_copy(update={"screen_text": made.screen_text.model_copy(update={"sheet": sheet})})


def test_an_outcome_is_kept_whole(store: Store, mine: str, now: datetime) -> None:
    assert store.library.get("row") is None
    store.library.keep("row", "run", outcome(), now=now)
    assert store.library.get("row") == outcome()
    assert store.library.known(["row", "other"]) == {"row"}


def test_a_hostile_outcome_is_kept_and_found(store: Store, mine: str, now: datetime) -> None:
    made = outcome(title="NUL \x00 \u202e 'quoted\" words", values={"a\x00": ["\x00", "<b>"]})
    store.library.keep("row", "run", made, now=now)
    assert store.library.get("row") == made
    entries, _ = store.entries.page(mine, text="quoted words", offset=0, limit=9)
    assert [entry.link.page_id for entry in entries] == ["row"]


def test_the_platforms_captions_are_kept(store: Store, mine: str, now: datetime) -> None:
    store.library.keep("row", "run", outcome(), now=now)
    found = store.library.get("row")
    assert found is not None
    assert [(track.language, track.segments[1].text) for track in found.video.captions] == [
        ("en", "Add the garlic now.")
    ]


def test_a_run_that_lost_its_claim_keeps_nothing(store: Store, mine: str, now: datetime) -> None:
    store.library.keep("row", "run", outcome(title="First"), now=now)
    store.entries.claim("row", "next", may_take_over=lambda _: True, now=now)
    with pytest.raises(ClaimLost):
        store.library.keep("row", "run", outcome(title="Late"), now=now)
    found = store.library.get("row")
    assert found is not None
    assert found.video.title == "First"
    assert store.entries.page(mine, text="late", offset=0, limit=9) == ([], 0)


def test_an_entry_that_is_gone_keeps_nothing(store: Store, mine: str, now: datetime) -> None:
    store.deletions.delete(mine, now=now)
    with pytest.raises(EntryGone):
        store.library.keep("row", "run", outcome(), now=now)
    assert store.library.get("row") is None


def test_a_retry_or_a_redo_overwrites(store: Store, mine: str, now: datetime) -> None:
    store.library.keep("row", "run", outcome(), now=now)
    again = outcome(title="Onion soup", values={})
    store.library.keep("row", "run", again, now=now + DAY)
    assert store.library.get("row") == again
    assert store.library.forget_before(now + DAY, limit=9) == []


def test_a_run_without_files_leaves_the_sheet_of_the_same_video(store: Store, mine: str, now: datetime) -> None:
    made = outcome()
    store.library.keep("row", "run", made, now=now)
    store.library.keep("row", "run", with_sheet(made, None), now=now)
    assert store.library.get("row") == made

    other = made.model_copy(update={"video": made.video.model_copy(update={"media_key": "tiktok:2"})})
    store.library.keep("row", "run", with_sheet(other, None), now=now)
    assert store.library.get("row") == with_sheet(other, None)


def test_an_outcome_goes_with_its_connection(store: Store, mine: str, now: datetime) -> None:
    store.library.keep("row", "run", outcome(), now=now)
    store.deletions.delete(mine, now=now)
    assert store.library.known(["row"]) == set()
    (deletion,) = store.deletions.pending()
    assert deletion.page_ids == ("row",)
    store.deletions.files_removed(mine, ["row"])
    assert store.deletions.pending()[0].page_ids == ()


def test_old_outcomes_are_forgotten_the_oldest_first(store: Store, mine: str, now: datetime) -> None:
    for age in (3, 2, 1):
        begin(store, mine, f"{age} days", now=now)
        store.library.keep(f"{age} days", "run", outcome(), now=now - age * DAY)
    before = now - 1.5 * DAY
    assert store.library.forget_before(before, limit=1) == ["3 days"]
    assert store.library.forget_before(before, limit=9) == ["2 days"]
    assert store.library.forget_before(before, limit=9) == []
    entries, _ = store.entries.page(mine, text="garlic", offset=0, limit=9)
    assert [entry.link.page_id for entry in entries] == ["1 days"]


def test_a_snippet_shows_the_place_where_the_words_stand_close_together(store: Store, mine: str, now: datetime) -> None:
    store.library.keep("row", "run", outcome(overview=f"Soup. {'Much more. ' * 40} Garlic makes soup."), now=now)
    (shown,) = store.library.snippets(["row"], "soup makes").values()
    assert [part.text for part in shown if part.is_hit] == ["makes", "soup"]
    assert "".join(part.text for part in shown).endswith("Garlic makes soup.")
    assert shown[0].text == "…"


@pytest.mark.parametrize(
    ("text", "query", "hits"),
    [
        ("今日は東京タワーです", "東京", ["東京"]),
        ("Käsekuchen <b>backen</b>", "kase", ["Käsekuchen"]),
        ("<script>alert(1)</script>", "script", ["script", "script"]),
    ],
)
def test_a_snippet_is_plain_text_in_parts(
    store: Store, mine: str, now: datetime, text: str, query: str, hits: list[str]
) -> None:
    store.library.keep("row", "run", outcome(title=text), now=now)
    (shown,) = store.library.snippets(["row"], query).values()
    assert [part.text for part in shown if part.is_hit] == hits
    assert "".join(part.text for part in shown) == text
