"""Accounts of people of an identity provider. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint, select, text

from svp_dagster.errors import Code
from svp_dagster.models import PaidCall
from svp_dagster.store.accounts.merging import OF_NOTION, AccountGone, NotionTaken, OtherNotion
from svp_dagster.store.accounts.subjects import LONGEST_TOKEN_LIFE
from svp_dagster.store.connections import Connection, Tokens
from svp_dagster.store.installation.addresses import Address, SiteRequest
from svp_dagster.store.installation.platforms import FailedPost
from svp_dagster.store.my_data.ownership import direct_owner, owned_tables
from svp_dagster.store.reservations import Cap, Scope
from svp_dagster.store.store import Store
from svp_dagster.store.tables import Base, ConnectionRow
from svp_dagster.store.web.callers import Scope as TokenScope
from svp_dagster.store.web.callers import SignInEnd
from svp_dagster.store.web.notion_links import LINK_LIFE
from tests.store.examples import all_at_once, link, schema, sign_in

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
ISSUER = "https://project.supabase.co/auth/v1"
TOKENS = Tokens(access="ntn_access", refresh="nrt_refresh")


def seen(store: Store, *, now: datetime, subject: str = "ada", issued_at: datetime | None = None) -> Connection | None:
    return store.connections.of_subject(ISSUER, subject, issued_at=issued_at or now, now=now)


def account(store: Store, *, now: datetime, subject: str = "ada") -> Connection:
    found = seen(store, now=now, subject=subject)
    assert found is not None
    return found


def connect(store: Store, account_id: str, *, now: datetime, bot_id: str = "bot") -> Connection:
    return store.connections.save(
        bot_id=bot_id,
        workspace_id="workspace",
        workspace_name="Kitchen",
        workspace_icon="",
        owner_id="ada",
        owner_name="Ada",
        tokens=TOKENS,
        now=now,
        account_id=account_id,
    )


def test_a_person_gets_an_account_at_first_sight_and_the_same_one_from_then_on(store: Store, now: datetime) -> None:
    first = account(store, now=now)
    assert (first.has_notion, first.active, first.trusted, first.name) == (False, True, False, "Your library")
    assert (first.bot_id, first.workspace_name) == (None, "")
    assert account(store, now=now + DAY) == first
    assert store.connections.tokens(first.id) is None


def test_the_same_subject_of_another_issuer_is_another_person(store: Store, now: datetime) -> None:
    other = store.connections.of_subject("https://other.example", "ada", issued_at=now, now=now)
    assert other is not None
    assert other.id != account(store, now=now).id


def test_two_first_requests_at_once_make_one_account(store: Store, now: datetime) -> None:
    ids = {connection.id for connection in all_at_once(lambda _: account(store, now=now), times=6)}
    assert len(ids) == 1
    assert ids == {connection.id for connection in store.connections.all()}


def test_a_token_from_before_a_deletion_does_not_make_the_account_again(store: Store, now: datetime) -> None:
    first = account(store, now=now)
    store.deletions.delete(first.id, now=now + SECOND)

    late = now + timedelta(hours=1)
    assert seen(store, now=late, issued_at=now) is None
    assert store.connections.all() == []

    again = seen(store, now=late, issued_at=late)
    assert again is not None
    assert again.id != first.id


def test_a_deletion_is_forgotten_once_no_token_of_before_can_be_valid(store: Store, now: datetime) -> None:
    store.deletions.delete(account(store, now=now).id, now=now)
    for later, left in ((LONGEST_TOKEN_LIFE, 1), (LONGEST_TOKEN_LIFE + DAY, 0)):
        store.deletions.forget_subjects(now=now + later)
        with store.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM deleted_subjects")) == left


def test_no_deleted_person_is_named(store: Store, now: datetime) -> None:
    store.deletions.delete(account(store, now=now).id, now=now)
    with store.engine.connect() as connection:
        (hashed,) = connection.scalars(text("SELECT subject_hash FROM deleted_subjects"))
    assert len(hashed) == 64


def test_an_account_without_notion_is_not_polled_and_gets_no_digest(store: Store, now: datetime) -> None:
    connection_id = account(store, now=now).id
    connect(store, connection_id, now=now)
    store.databases.set_link_database(connection_id, schema=schema(), url="", now=now)
    store.digests.choose_home(connection_id, page_id="home", title="Home", now=now)
    assert len(store.databases.due(now=now, limit=9)) == 1
    assert len(store.digests.subscribers("2026-01-05")) == 1

    store.connections.end(connection_id, now=now)

    left = store.connections.get(connection_id)
    assert left is not None
    assert (left.active, left.has_notion) == (True, False)
    assert store.databases.due(now=now, limit=9) == []
    assert store.digests.subscribers("2026-01-05") == []
    assert seen(store, now=now) == left


def test_a_disconnected_account_gets_its_notion_back_by_a_sign_in_with_it(store: Store, now: datetime) -> None:
    connection_id = account(store, now=now).id
    connect(store, connection_id, now=now)
    store.connections.end(connection_id, now=now)
    assert sign_in(store, now=now, bot_id="another").id == connection_id
    assert account(store, now=now).has_notion


def test_notion_is_put_on_the_account_that_connects_it(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    store.entries.request(link(mine.id, at=now), now=now)
    connected = connect(store, mine.id, now=now)
    assert (connected.id, connected.has_notion, connected.name) == (mine.id, True, "Kitchen")
    assert store.connections.tokens(mine.id) == TOKENS
    assert store.entries.page(mine.id, offset=0, limit=9)[1] == 1
    assert sign_in(store, now=now).id == mine.id
    assert account(store, now=now).id == mine.id


def test_an_account_and_the_notion_that_it_connects_become_one(store: Store, now: datetime) -> None:
    mine, notions = account(store, now=now), sign_in(store, now=now)
    store.databases.set_link_database(notions.id, schema=schema(), url="", now=now)
    fill(store, mine.id, now=now)
    store.entries.request(link(notions.id, at=now, page_id="theirs"), now=now)

    merged = connect(store, mine.id, now=now + SECOND)

    assert merged.id == notions.id
    assert store.connections.all() == [merged]
    assert account(store, now=now) == merged
    assert {entry.link.page_id for entry in store.entries.page(merged.id, offset=0, limit=9)[0]} == {"mine", "theirs"}
    assert store.ledger.spent(merged.id, since=now - DAY).usd == 0.5
    assert [each.connection_id for each in store.addresses.all()[0].requests] == [merged.id]
    assert [each.connection_id for each in store.platforms.all()["tiktok"].failing] == [merged.id]
    assert [token.name for token in store.web.api_tokens(merged.id)] == ["Phone"]
    assert store.databases.link_database(merged.id) is not None
    assert connection_ids(store) == {merged.id}
    (left,) = store.deletions.pending()
    assert (left.connection_id, left.partition_keys, left.is_revoked) == (mine.id, (), True)


def fill(store: Store, connection_id: str, *, now: datetime) -> None:
    """Let an account hold something in every table that names its owner."""
    store.entries.request(link(connection_id, at=now, page_id="mine"), now=now)
    call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=0.5, detail={})
    store.ledger.add(call, connection_id=connection_id, page_id="mine", run_id="run", now=now)
    cap = Cap(code=Code.CONNECTION_BUDGET_REACHED, scope=Scope.CONNECTION, usd=9)
    store.reservations.reserve([cap], connection_id, since=now - DAY, now=now)
    store.web.add_api_token(connection_id, name="Phone", scopes={TokenScope.READ}, expires_at=None, now=now)
    store.web.begin_session("secret", connection_id=connection_id, expires_at=now + DAY, now=now)
    store.notion_links.make(connection_id, account_name="", now=now)
    asked = SiteRequest(at=now, connection_id=connection_id, page_id="mine", sent=True)
    store.addresses.change(["direct"], lambda _: Address(name="direct", requests=(asked,)), now=now)
    failed = FailedPost(connection_id=connection_id, post="post")
    store.platforms.failed("tiktok", failed=failed, code=Code.SITE_CHANGED, rows_to_pause=9, downloader="", now=now)


def connection_ids(store: Store) -> set[str]:
    """The connections that own a row of any table."""
    found: set[str] = set()
    with store.engine.connect() as connection:
        for table in owned_tables():
            if (column := direct_owner(table)) is not None:
                found.update(owner for owner in connection.scalars(select(column)) if owner)
    return found


def test_a_merge_moves_or_drops_the_rows_of_every_table_that_names_its_owner() -> None:
    named = {table.name for table in Base.metadata.sorted_tables if direct_owner(table) is not None}
    dropped = {row.__tablename__ for row in OF_NOTION}
    assert dropped < named
    unique = {
        table.name
        for table in Base.metadata.sorted_tables
        for key in table.constraints
        if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)
        and (column := direct_owner(table)) is not None
        and column.name in key.columns
    }
    assert unique <= dropped, "two accounts may have the same key here: merging them has to say which one stays"


def test_a_merge_keeps_what_notions_account_chose_and_the_trust_of_either(store: Store, now: datetime) -> None:
    mine, notions = account(store, now=now), sign_in(store, now=now)
    store.connections.set_preferences(mine.id, output_language="de", monthly_budget_usd=1, now=now)
    store.connections.set_preferences(notions.id, output_language="en", monthly_budget_usd=None, now=now)
    store.connections.set_trusted(mine.id, trusted=True, now=now)
    merged = connect(store, mine.id, now=now)
    assert (merged.output_language, merged.monthly_budget_usd, merged.trusted) == ("en", 1, True)


def test_a_notion_of_another_person_is_not_taken(store: Store, now: datetime) -> None:
    mine, theirs = account(store, now=now), account(store, now=now, subject="bea")
    connect(store, theirs.id, now=now)
    with pytest.raises(NotionTaken):
        connect(store, mine.id, now=now)
    assert account(store, now=now) == mine
    assert account(store, now=now, subject="bea").has_notion


def test_an_account_has_one_notion(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    connect(store, mine.id, now=now)
    with pytest.raises(OtherNotion):
        connect(store, mine.id, now=now, bot_id="second")
    sign_in(store, now=now, bot_id="third", owner_id="grace")
    with pytest.raises(OtherNotion):
        connect(store, mine.id, now=now, bot_id="third")
    assert connect(store, mine.id, now=now).id == mine.id  # to choose pages again


def test_a_deleted_account_connects_nothing(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    store.deletions.delete(mine.id, now=now)
    with pytest.raises(AccountGone):
        connect(store, mine.id, now=now)
    assert store.connections.all() == []


def test_two_merges_at_once_make_one_account(store: Store, now: datetime) -> None:
    mine, notions = account(store, now=now), sign_in(store, now=now)

    def work(_: int) -> str:
        try:
            return connect(store, mine.id, now=now).id
        except AccountGone:
            return "gone"

    assert set(all_at_once(work, times=2)) == {notions.id, "gone"}
    assert [each.id for each in store.connections.all()] == [notions.id]


def test_a_link_is_used_once_and_within_ten_minutes(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    secret = store.notion_links.make(mine.id, account_name="ada@example.org", now=now) or ""
    found = store.notion_links.find(secret, now=now)
    assert found is not None
    assert (found.connection_id, found.account_name) == (mine.id, "ada@example.org")
    assert store.notion_links.find(secret, now=now + LINK_LIFE) is None
    used = all_at_once(lambda _: store.notion_links.use(secret, now=now), times=4)
    assert [each for each in used if each] == [found]


def test_a_new_link_replaces_the_one_before(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    first, second = (store.notion_links.make(mine.id, account_name="", now=now) or "" for _ in range(2))
    assert store.notion_links.find(first, now=now) is None
    assert store.notion_links.find(second, now=now) is not None


def test_a_link_is_no_state_and_a_state_no_link(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    secret = store.notion_links.make(mine.id, account_name="", now=now) or ""
    assert store.web.end_sign_in(state=secret, browser="", now=now).end is SignInEnd.UNKNOWN
    state = store.web.begin_sign_in(browser="mine", now=now, connection_id=mine.id)
    assert store.notion_links.use(state, now=now) is None
    assert store.web.end_sign_in(state=state, browser="mine", now=now).connection_id == mine.id


def test_nobody_can_be_without_notion_and_without_a_person_after_a_merge(store: Store, now: datetime) -> None:
    mine = account(store, now=now)
    sign_in(store, now=now)
    connect(store, mine.id, now=now)
    query = select(ConnectionRow.id).where(ConnectionRow.bot_id.is_(None), ConnectionRow.subject.is_(None))
    with store.engine.connect() as connection:
        assert connection.scalars(query).all() == []
