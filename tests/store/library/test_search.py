"""Searching the outcomes of a connection, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from svp_dagster.models import Link, LinkEntry, Outcome, ScreenLine, Segment, Status
from svp_dagster.store.store import Store
from svp_dagster.store.tables import Base, LinkEntryRow, OutcomeRow
from tests.library.outcomes import outcome
from tests.store.examples import link, sign_in

HOSTILE = (
    '"',
    "'",
    "''; DROP TABLE outcomes; --",
    '"soup',
    "soup*",
    "soup AND",
    "NOT",
    "NEAR(soup garlic)",
    "words:soup",
    "{words}: soup",
    "^soup",
    "soup & | !",
    "soup:*A <-> <2>",
    "(((((",
    "%",
    "\\",
    "soup\x00garlic",
    "\ud800",
    "-soup",
    "x" * 10_000,
    "a b " * 2_500,
    '"' * 10_000,
    "😀",
    "\u200b",
)


@pytest.fixture
def mine(store: Store, now: datetime) -> str:
    """A connection."""
    return sign_in(store, now=now).id


@pytest.fixture
def theirs(store: Store, now: datetime) -> str:
    """Another's."""
    return sign_in(store, now=now, bot_id="other", owner_id="grace").id


def keep(store: Store, connection_id: str, page_id: str, made: Outcome, *, now: datetime, **changes: object) -> None:
    entry = link(connection_id, at=now, page_id=page_id).model_copy(update=changes)
    store.entries.request(LinkEntry.model_validate(dict(entry)), now=now)
    store.entries.claim(page_id, "run", may_take_over=lambda _: False, now=now)
    store.library.keep(page_id, "run", made, now=now)


def found(store: Store, connection_id: str, query: str, **filters: object) -> list[str]:
    entries, total = store.entries.page(connection_id, text=query, offset=0, limit=100, **filters)  # type: ignore[arg-type]
    assert total == len(entries)
    return [entry.link.page_id for entry in entries]


def said(words: str) -> Outcome:
    return outcome(said=(Segment(start_s=0, end_s=1, text=words),), title="", description="", shown=(), values={})


def test_every_part_of_an_outcome_is_searched(store: Store, mine: str, now: datetime) -> None:
    made = outcome(
        said=(Segment(start_s=0, end_s=2, text="Spoken"), Segment(start_s=2, end_s=4, text="sung", sung=True)),
        title="Titled",
        description="Written beside",
        shown=(ScreenLine(text="Shown", first_s=1),),
        values={"dish": "Filled", "tags": ["Listed", "Second"], "servings": 4321},
        overview="Summed up",
    )
    keep(store, mine, "row", made, now=now)
    for query in ("spoken", "SUNG", "titled", "written", "shown", "filled", "second", "4321", "summed", "cook"):
        assert found(store, mine, query) == ["row"], query
    assert found(store, mine, "absent") == []


def test_a_library_is_found_once_its_account_became_one_with_notions(store: Store, mine: str, now: datetime) -> None:
    person = store.connections.of_subject("https://issuer.example", "ada", issued_at=now, now=now)
    assert person is not None
    keep(store, person.id, "row", outcome(title="Soup"), now=now)
    merged = sign_in(store, now=now, account_id=person.id)
    assert merged.id == mine
    assert found(store, mine, "soup") == ["row"]
    assert found(store, person.id, "soup") == []


def test_all_words_of_a_query_are_needed_wherever_they_stand(store: Store, mine: str, now: datetime) -> None:
    keep(store, mine, "row", outcome(), now=now)
    assert found(store, mine, "garlic cloves cold") == ["row"]
    assert found(store, mine, "garlic absent") == []


@pytest.mark.parametrize(
    ("words", "queries", "others"),
    [
        (
            "Wir machen Käsespätzle für die Straße",
            ["käse", "KASE", "käse für", "strasse", "STRASSE"],
            ["spätzle"],
        ),  # a word is found by its beginning
        (
            "今日は東京タワーでラーメンを食べます",
            ["東京", "タワー", "京", "ラーメン", "東京タワー 食べ"],
            ["大阪", "京東"],
        ),
        ("أضف الثوم إلى الحَسَاء", ["الثوم", "اضف", "الحساء"], ["الخبز"]),
        ("김치찌개를 끓여요", ["김치", "끓여요"], ["찌개"]),
        ("วันนี้เราทำแกงเขียวหวาน", ["แกง", "เขียวหวาน"], ["ข้าว"]),
        ("हिन्दी में खाना", ["हिन्दी", "खाना"], ["पानी"]),
        ("Добавьте чеснок", ["ЧЕСНОК", "добав"], ["лук"]),
        ("我们今天做汤", ["今天", "汤", "做汤"], ["天今"]),
    ],
)
def test_words_of_many_scripts_are_found(
    store: Store, mine: str, now: datetime, words: str, queries: list[str], others: list[str]
) -> None:
    keep(store, mine, "row", said(words), now=now)
    assert {query: found(store, mine, query) for query in queries} == {query: ["row"] for query in queries}
    assert {query: found(store, mine, query) for query in others} == {query: [] for query in others}


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_no_query_is_an_error(store: Store, mine: str, now: datetime, query: str) -> None:
    keep(store, mine, "row", outcome(), now=now)
    assert set(found(store, mine, query)) <= {"row"}
    assert set(store.library.snippets(["row"], query)) == {"row"}


def test_operators_in_a_query_are_words(store: Store, mine: str, now: datetime) -> None:
    keep(store, mine, "row", outcome(), now=now)
    assert found(store, mine, '"garlic"* AND') == []
    assert found(store, mine, '-"garlic" *(soup)') == ["row"]


def test_a_query_without_a_word_finds_nothing_and_an_empty_one_all(store: Store, mine: str, now: datetime) -> None:
    keep(store, mine, "row", outcome(), now=now)
    assert found(store, mine, "!?") == []
    assert found(store, mine, "  ") == ["row"]


def test_nobody_finds_what_belongs_to_another(store: Store, mine: str, theirs: str, now: datetime) -> None:
    keep(store, mine, "mine", said("shared alpha"), now=now)
    keep(store, theirs, "theirs", said("shared beta"), now=now)
    assert found(store, mine, "shared") == ["mine"]
    assert found(store, theirs, "shared") == ["theirs"]
    assert found(store, mine, "beta") == []
    assert found(store, mine, f"in{theirs} shared") == []
    assert found(store, mine, f"in{theirs.replace('-', '')}") == []


def test_a_search_is_narrowed_by_tag_status_and_platform(store: Store, mine: str, now: datetime) -> None:
    clip = Link(url="https://www.instagram.com/reel/a/", platform="instagram", post_id="a")
    keep(store, mine, "soup", outcome(), now=now)
    keep(store, mine, "cake", outcome(), now=now, tag="Baking", link=clip)
    store.entries.complete("cake", "run", now=now)
    assert found(store, mine, "garlic", tag="Cooking") == ["soup"]
    assert found(store, mine, "garlic", statuses=[Status.COMPLETED]) == ["cake"]
    assert found(store, mine, "garlic", platform="instagram") == ["cake"]
    assert found(store, mine, "", platform="tiktok") == ["soup"]


def test_the_newest_comes_first_and_pages_follow_each_other(store: Store, mine: str, now: datetime) -> None:
    for number in range(5):
        keep(store, mine, f"row{number}", outcome(), now=now + timedelta(minutes=number))
    pages = [store.entries.page(mine, text="garlic", offset=offset, limit=2) for offset in (0, 2, 4)]
    assert [[entry.link.page_id for entry in entries] for entries, _ in pages] == [
        ["row4", "row3"],
        ["row2", "row1"],
        ["row0"],
    ]
    assert {total for _, total in pages} == {5}


def test_what_is_kept_again_is_found_by_its_new_words_alone(store: Store, mine: str, now: datetime) -> None:
    keep(store, mine, "row", said("before"), now=now)
    store.library.keep("row", "run", said("after"), now=now)
    assert (found(store, mine, "before"), found(store, mine, "after")) == ([], ["row"])


def test_the_words_of_a_deleted_connection_are_gone(store: Store, mine: str, theirs: str, now: datetime) -> None:
    keep(store, mine, "mine", said("zanzibar"), now=now)
    keep(store, theirs, "theirs", said("zanzibar"), now=now)
    store.deletions.delete(mine, now=now)
    assert found(store, theirs, "zanzibar") == ["theirs"]
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM outcomes")) == 1
        if store.engine.dialect.name == "sqlite":
            connection.execute(text("INSERT INTO outcome_search(outcome_search) VALUES ('integrity-check')"))


def test_the_file_of_the_database_has_no_word_of_what_was_deleted(
    new_sqlite_store: tuple[Store, Path], now: datetime
) -> None:
    store, path = new_sqlite_store
    mine, theirs = sign_in(store, now=now).id, sign_in(store, now=now, bot_id="b", owner_id="g").id
    for number in range(20):
        keep(store, theirs, f"theirs{number}", said(f"word{number} common"), now=now)
        keep(store, mine, f"mine{number}", said(f"zanzibar{number} common"), now=now)
    store.deletions.delete(mine, now=now)
    with store.engine.connect() as connection:
        connection.execute(text("COMMIT"))
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    assert b"word1" in path.read_bytes()
    assert b"zanzibar" not in path.read_bytes()


def test_words_of_a_deleted_entry_and_of_an_earlier_outcome_leave_the_file_with_the_next_retention(
    new_sqlite_store: tuple[Store, Path], now: datetime
) -> None:
    store, path = new_sqlite_store
    mine = sign_in(store, now=now).id
    for number in range(20):
        keep(store, mine, f"kept{number}", said(f"word{number} common"), now=now)
    keep(store, mine, "deleted", said("zanzibar common"), now=now, has_row=False)
    store.library.keep("kept1", "run", said("madagascar"), now=now)
    store.library.keep("kept1", "run", said("tea"), now=now)
    assert store.uploads.delete("deleted")
    store.library.forget_words()
    with store.engine.connect() as connection:
        connection.execute(text("INSERT INTO outcome_search(outcome_search) VALUES ('integrity-check')"))
        connection.execute(text("COMMIT"))
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    assert found(store, mine, "tea") == ["kept1"]
    assert b"word2" in path.read_bytes()
    assert b"zanzibar" not in path.read_bytes()
    assert b"madagascar" not in path.read_bytes()


@pytest.mark.parametrize(("query", "narrowed"), [("common word7", False), ("common", True), ("", True)])
def test_no_search_reads_all_entries_or_outcomes(
    store: Store, mine: str, theirs: str, now: datetime, query: str, narrowed: bool
) -> None:
    filters = {"tag": "Cooking", "platform": "tiktok", "statuses": [Status.COMPLETED]} if narrowed else {}
    filling = " ".join(f"filler{number}" for number in range(200))
    for connection_id, times in ((mine, 100), (theirs, 3_000)):
        keep(store, connection_id, f"of {connection_id}", said(f"common {filling}"), now=now)
        multiply(store, f"of {connection_id}", times=times)
    plan = plan_of(store, lambda: store.entries.page(mine, text=query, offset=0, limit=20, **filters))  # type: ignore[arg-type]
    for table in ("link_entries", "outcomes"):
        assert f"Seq Scan on {table}" not in plan, plan
        assert f"SCAN {table}" not in plan, plan
    if query and not narrowed:  # else another index may say more
        assert "outcome_search" in plan, plan


def multiply(store: Store, page_id: str, *, times: int) -> None:
    """Add entries like this one, each with a word of its own."""
    tables = Base.metadata.tables
    entries, outcomes = tables[LinkEntryRow.__tablename__], tables[OutcomeRow.__tablename__]
    with store.engine.begin() as connection:
        columns = [column for column in entries.c if column.computed is None]
        entry = connection.execute(select(*columns).where(entries.c.page_id == page_id)).mappings().one()
        made = connection.execute(select(outcomes).where(outcomes.c.page_id == page_id)).mappings().one()
        ids = [f"{page_id} {number}" for number in range(times)]
        connection.execute(insert(entries), [{**entry, "page_id": each, "partition_key": None} for each in ids])
        copies = [{**made, "page_id": each, "words": f"{made['words']} word{n}"} for n, each in enumerate(ids)]
        connection.execute(insert(outcomes), [{name: each[name] for name in each if name != "id"} for each in copies])
        connection.exec_driver_sql("ANALYZE")


def plan_of(store: Store, work: Callable[[], object]) -> str:
    """Return how the database reads what `work` asks for."""
    asked: list[tuple[str, Any]] = []

    def see(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", see)
    try:
        work()
    finally:
        event.remove(store.engine, "before_cursor_execute", see)
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    with store.engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"{explain} {statement}", values).all() for statement, values in asked]
    return "\n".join(str(row[-1]) for plan in plans for row in plan)
