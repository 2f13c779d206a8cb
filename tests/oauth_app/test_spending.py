"""What is spent and capped: an owner sees their own, the operator sees all and decides whom to trust."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from oauth_app.app import create_app
from oauth_app.views.entry import EntryView
from svp_dagster.errors import Code, failure
from svp_dagster.models import PaidCall
from svp_dagster.rows.waiting import waiting_outcome
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.conftest import store_of
from tests.oauth_app.people import Person
from tests.oauth_app.test_entries import add
from tests.oauth_app.test_site_health import csrf
from tests.oauth_app.test_unknown_answers import become_operator
from tests.store.examples import record_poll


def pay(store: Store, connection_id: str, usd: float | None) -> None:
    call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=usd)
    store.ledger.add(call, connection_id=connection_id, page_id="row", run_id="run", now=datetime.now(UTC))


def is_trusted(store: Store, connection_id: str) -> bool:
    found = store.connections.get(connection_id)
    assert found is not None
    return found.trusted


def set_trust(operator: Person, connection_id: str, answer: str) -> None:
    form = {"connection": connection_id, "trusted": answer, "csrf_token": csrf(operator)}
    operator.client.post("/operator/trust", data=form)


@pytest.fixture
def open_to_others(environment: pytest.MonkeyPatch) -> None:
    """An installation that answers to other machines too."""
    environment.setenv("SVP_APP_HOST", "0.0.0.0")
    environment.setenv("SVP_MONTHLY_BUDGET_USD", "5")


@pytest.fixture
def stranger(open_to_others: None, ada: Person) -> Person:
    """Ada, whom the operator doesn't know."""
    return ada


def test_who_connects_on_their_own_machine_is_trusted(ada: Person, store: Store) -> None:
    assert is_trusted(store, ada.connection_id)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SVP_APP_HOST", "0.0.0.0"), ("SVP_APP_URL", "http://svp.example.org"), ("SVP_PROXIES", "1")],
)
def test_who_may_come_from_elsewhere_is_new_be_it_the_first(
    environment: pytest.MonkeyPatch, notion: NotionSandbox, name: str, value: str
) -> None:
    environment.setenv(name, value)
    app = create_app()
    person = Person(app, notion).sign_in()
    assert not is_trusted(store_of(app), person.connection_id)


def test_the_operators_own_connection_is_trusted_at_once(
    open_to_others: None, app: Flask, person: Person, store: Store, tmp_path: Path
) -> None:
    become_operator(person, tmp_path / "home")
    assert is_trusted(store, person.sign_in().connection_id)


def test_the_operator_trusts_a_connection_and_takes_it_back(
    stranger: Person, app: Flask, notion: NotionSandbox, store: Store, tmp_path: Path
) -> None:
    operator, connection_id = Person(app, notion), stranger.connection_id
    become_operator(operator, tmp_path / "home")
    pay(store, connection_id, 0.5)
    pay(store, connection_id, None)
    page = operator.see("/operator")
    for words in (
        "This month: $0.50 of $20.00",
        "and 1 call of unknown price",
        connection_id,
        ">new<",
        "$1.00 a month",
    ):
        assert words in page
    for answer, trusted in (("yes", True), ("no", False)):
        set_trust(operator, connection_id, answer)
        assert is_trusted(store, connection_id) is trusted
    set_trust(operator, "nobody", "yes")
    assert "isn&#39;t there any more" in operator.see("/operator")


def test_a_name_that_a_stranger_chose_is_only_a_name(
    stranger: Person, app: Flask, notion: NotionSandbox, store: Store, tmp_path: Path
) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET workspace_name = '<script>alert(1)</script>'")
    operator = Person(app, notion)
    become_operator(operator, tmp_path / "home")
    page = operator.see("/operator")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_a_name_that_turns_the_direction_of_writing_turns_nothing_but_itself(
    stranger: Person, app: Flask, notion: NotionSandbox, store: Store, tmp_path: Path
) -> None:
    turned = "\u202edetsurt"
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET workspace_name = ?, owner_name = ?", (turned, turned))
    operator = Person(app, notion)
    become_operator(operator, tmp_path / "home")
    assert operator.see("/operator").count(f"<bdi>{turned}</bdi>") == 2


def test_nobody_trusts_themselves(stranger: Person, store: Store) -> None:
    answer = stranger.submit("/operator/trust", connection=stranger.connection_id, trusted="yes")
    assert answer.status_code == 403
    assert not is_trusted(store, stranger.connection_id)


def test_trust_begins_to_look_for_links_that_wait(stranger: Person, store: Store, app: Flask, tmp_path: Path) -> None:
    databases, connection_id, now = store.databases, stranger.connection_id, datetime.now(UTC)
    (due,) = databases.due(now=now, limit=9)
    record_poll(store, due, next_due_at=now.replace(year=now.year + 1), now=now)
    become_operator(stranger, tmp_path / "home")
    set_trust(stranger, connection_id, "yes")
    assert len(databases.due(now=datetime.now(UTC), limit=9)) == 1


def test_an_owner_sees_the_limit_that_counts_whatever_they_entered(stranger: Person, store: Store) -> None:
    stranger.submit("/settings", monthly_budget_usd="100")
    page = stranger.see("/settings")
    for words in ("$0.00 of $1.00", "until yours is trusted", "a higher one doesn&#39;t count", "isn&#39;t used up"):
        assert words in page
    stranger.submit("/settings", monthly_budget_usd="0.25")
    assert "$0.00 of $0.25" in stranger.see("/settings")
    store.connections.set_trusted(stranger.connection_id, trusted=True, now=datetime.now(UTC))
    stranger.submit("/settings", monthly_budget_usd="")
    page = stranger.see("/settings")
    assert "$0.00 of $5.00" in page
    assert "$20" not in page


def test_an_owner_reads_which_cap_is_used_up_and_who_can_raise_it(stranger: Person, store: Store) -> None:
    pay(store, stranger.connection_id, 1.0)
    page = stranger.see("/settings")
    assert "ask the operator of this installation to trust your connection" in page
    assert "A new month begins on 1 " in page
    pay(store, stranger.connection_id, 19.0)
    assert "Everybody&#39;s budget together is used up" in stranger.see("/settings")


def test_the_api_says_what_counts(stranger: Person, store: Store) -> None:
    stranger.submit("/settings", monthly_budget_usd="100")
    pay(store, stranger.connection_id, 1.5)
    pay(store, stranger.connection_id, None)
    answer = stranger.ask("GET", "/api/connection").json
    assert answer is not None
    assert (answer["trusted"], answer["monthly_budget_usd"], answer["monthly_cap_usd"]) == (False, 100.0, 1.0)
    assert (answer["spent_usd"], answer["calls_of_unknown_price"]) == (1.5, 1)
    assert answer["budget_used_up"] == "new_connection_budget_reached"


def test_a_link_that_waits_for_a_budget_says_so(ada: Person, store: Store) -> None:
    entry, now = store.entries.get(add(ada)["id"]), datetime.now(UTC)
    assert entry is not None
    error = failure(Code.INSTALLATION_BUDGET_REACHED)
    waits = store.entries.postpone(entry.link, waiting_outcome(error, until=now.replace(year=now.year + 1)), now=now)
    assert EntryView(entry=waits, cost_usd=None, cost_known=True, run_url=None).status_words == "Waits for a budget"
    assert "its operator has to raise it" in ada.see("/entries")
