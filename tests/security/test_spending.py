"""Nobody spends more than the operator allows: alone, with others, or all at once. On both databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from svp_dagster.errors import BUDGET_CODES, TABLE, Code, Retry, SvpError, failure
from svp_dagster.models import Status, Usage
from svp_dagster.prices import load_prices
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.rows.spending import meter as meter_module
from svp_dagster.rows.spending.caps import NEW_CONNECTIONS_SHARE, SpendingCaps, known_entries, month_of, spending_of
from svp_dagster.rows.spending.meter import RowMeter
from svp_dagster.rows.spending.trust import overview_of
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.settings import Settings
from svp_dagster.store.reservations import CALL_USD, RESERVED_FOR
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once, link, sign_in

CENT = Usage(service="speech", model="whisper-1", units=100, unit="seconds")
CALL = Usage(service="speech", model="whisper-1", units=600, unit="seconds")
"""The dearest call, of `CALL_USD`."""
UNLISTED = CENT.model_copy(update={"model": "whisper-9"})

NewConnection = Callable[..., str]


@pytest.fixture
def now() -> datetime:
    """The present: a month is this month."""
    return datetime.now(UTC)


@pytest.fixture
def connect(store: Store, now: datetime) -> NewConnection:
    """Connect another workspace; its id."""
    names = iter(range(1000))

    def connect(*, trusted: bool = True, own_usd: float | None = None) -> str:
        name = f"workspace {next(names)}"
        made = sign_in(store, now=now, bot_id=name, workspace_id=name, owner_id=name)
        store.connections.set_trusted(made.id, trusted=trusted, now=now)
        store.connections.set_preferences(made.id, output_language="", monthly_budget_usd=own_usd, now=now)
        return made.id

    return connect


@pytest.fixture(autouse=True)
def _ask_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter_module, "ASK_AGAIN_S", 0.01)


def meter(store: Store, connection_id: str, caps: SpendingCaps) -> RowMeter:
    return RowMeter(
        store,
        link=link(connection_id, at=datetime.now(UTC)),
        run_id="run",
        prices=load_prices(None),
        caps=caps,
        writes=DeferredWrites(),
    )


def pay(store: Store, connection_id: str, caps: SpendingCaps, usage: Usage = CENT, *, times: int = 100) -> Code | None:
    """Pay as often as the caps allow; the failure of the one that was met."""
    stage = meter(store, connection_id, caps)
    for _ in range(times):
        try:
            stage.require_budget()
        except SvpError as error:
            return error.code
        stage.record(usage)
    return None


def cents(store: Store, *connection_ids: str) -> int:
    """What these connections paid."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    return round(sum(store.ledger.spent(each, since=since).usd for each in connection_ids) * 100)


@pytest.mark.parametrize(
    ("own", "operators", "paid", "code"),
    [
        (0.10, 0.03, 3, Code.CONNECTION_BUDGET_REACHED),
        (0.03, 0.10, 3, Code.BUDGET_REACHED),
        (0.03, 0.03, 3, Code.CONNECTION_BUDGET_REACHED),
        (0.03, None, 3, Code.BUDGET_REACHED),
        (None, 0.03, 3, Code.CONNECTION_BUDGET_REACHED),
        (0.0, 0.03, 0, Code.BUDGET_REACHED),
    ],
)
def test_an_owner_can_lower_the_operators_cap_and_not_raise_it(
    store: Store, connect: NewConnection, own: float | None, operators: float | None, paid: int, code: Code
) -> None:
    ada = connect(own_usd=own)
    assert pay(store, ada, SpendingCaps(connection_usd=operators)) is code
    assert cents(store, ada) == paid


def test_all_connections_together_stay_within_the_installations_cap(store: Store, connect: NewConnection) -> None:
    caps = SpendingCaps(installation_usd=0.10, connection_usd=0.07)
    ada, grace, edith = connect(), connect(), connect()
    assert pay(store, ada, caps) is Code.CONNECTION_BUDGET_REACHED
    assert pay(store, grace, caps) is Code.INSTALLATION_BUDGET_REACHED
    assert pay(store, edith, caps) is Code.INSTALLATION_BUDGET_REACHED
    assert cents(store, ada, grace, edith) == 10


def test_a_new_connection_spends_little_until_the_operator_trusts_it(
    store: Store, connect: NewConnection, now: datetime
) -> None:
    caps = SpendingCaps(new_connection_usd=0.02, connection_usd=0.05)
    stranger = connect(trusted=False, own_usd=100.0)
    assert pay(store, stranger, caps) is Code.NEW_CONNECTION_BUDGET_REACHED
    assert cents(store, stranger) == 2
    store.connections.set_trusted(stranger, trusted=True, now=now)
    assert pay(store, stranger, caps) is Code.CONNECTION_BUDGET_REACHED
    assert cents(store, stranger) == 5


def test_signing_in_again_makes_nobody_trusted_and_nobody_new(store: Store, now: datetime) -> None:
    for trusted in (False, True):
        ada = sign_in(store, now=now)
        assert store.connections.set_trusted(ada.id, trusted=trusted, now=now)
        store.connections.end(ada.id, now=now)
        again = sign_in(store, now=now, bot_id=f"bot that came back {trusted}")
        assert (again.id, again.trusted) == (ada.id, trusted)


def test_however_many_strangers_connect_half_is_left_to_those_who_are_trusted(
    store: Store, connect: NewConnection
) -> None:
    caps = SpendingCaps(new_connection_usd=0.03, installation_usd=0.20)
    strangers = [connect(trusted=False) for _ in range(8)]
    codes = {pay(store, stranger, caps) for stranger in strangers}
    assert codes == {Code.NEW_CONNECTION_BUDGET_REACHED}
    assert cents(store, *strangers) == round(20 * NEW_CONNECTIONS_SHARE)
    ada = connect()
    assert pay(store, ada, caps) is Code.INSTALLATION_BUDGET_REACHED
    assert cents(store, ada) == 10


def test_a_fresh_installation_has_caps_against_strangers_and_none_for_who_is_trusted() -> None:
    settings = Settings()
    assert (settings.installation_budget_usd, settings.new_connection_budget_usd) == (20.0, 1.0)
    assert settings.monthly_budget_usd is None


@pytest.mark.parametrize("field", ["SVP_INSTALLATION_BUDGET_USD", "SVP_NEW_CONNECTION_BUDGET_USD"])
def test_a_cap_is_taken_away_by_the_word_none_alone(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    name = field.removeprefix("SVP_").lower()
    monkeypatch.setenv(field, "")
    assert getattr(Settings(), name) is not None
    monkeypatch.setenv(field, "None")
    assert getattr(Settings(), name) is None
    for wrong in ("-1", "nan", "much"):
        monkeypatch.setenv(field, wrong)
        with pytest.raises(ValueError, match=name):
            Settings()


@pytest.mark.parametrize("scope", ["connection", "installation"])
def test_calls_at_the_same_time_do_not_exceed_a_cap_together(store: Store, connect: NewConnection, scope: str) -> None:
    cap_usd = 0.15
    caps = SpendingCaps(connection_usd=cap_usd) if scope == "connection" else SpendingCaps(installation_usd=cap_usd)
    ada = connect()
    owners = [ada if scope == "connection" else connect() for _ in range(8)]

    def run(number: int) -> Code | None:
        stage = meter(store, owners[number], caps)
        try:
            for _ in range(2):
                stage.require_budget()
                time.sleep(0.05)  # the call, during which its cost isn't known
                stage.record(CALL)
        except SvpError as error:
            return error.code
        finally:
            stage.close()
        return None

    codes = all_at_once(run, times=8)

    # Two fit; a third may take the rest, as it is alone then.
    assert cents(store, *set(owners)) == round(3 * CALL_USD * 100)
    assert codes.count(None) <= 1


def test_calls_that_fit_together_do_not_wait_for_each_other(store: Store, connect: NewConnection) -> None:
    caps, ada = SpendingCaps(connection_usd=10 * CALL_USD), connect()
    stages = [meter(store, ada, caps) for _ in range(10)]
    began_s = time.monotonic()
    for stage in stages:
        stage.require_budget()
    assert time.monotonic() - began_s < 5
    for stage in stages:
        stage.record(CALL)
    assert cents(store, ada) == 60


def test_a_call_that_waits_in_vain_lets_its_row_wait_for_minutes(
    store: Store, connect: NewConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_module, "MAX_WAIT_S", 0.05)
    caps, ada = SpendingCaps(connection_usd=0.01), connect()
    meter(store, ada, caps).require_budget()
    with pytest.raises(SvpError) as caught:
        meter(store, ada, caps).require_budget()
    assert caught.value.code is Code.CONNECTION_BUDGET_REACHED
    assert caught.value.retry_after_s == meter_module.RESERVED_RETRY_S


def test_a_call_that_failed_leaves_nothing_reserved(store: Store, connect: NewConnection) -> None:
    caps, ada = SpendingCaps(connection_usd=0.01), connect()
    stage = meter(store, ada, caps)
    stage.require_budget()
    stage.require_budget()  # the same call once more: it doesn't wait for itself
    stage.close()
    assert pay(store, ada, caps) is Code.CONNECTION_BUDGET_REACHED
    assert cents(store, ada) == 1


def test_a_call_of_a_killed_process_counts_for_minutes_and_no_longer(
    store: Store, connect: NewConnection, now: datetime
) -> None:
    caps, ada = SpendingCaps(connection_usd=0.01), connect()
    since = month_of(now)[0]
    of_ada = caps.of(store.connections.get(ada))
    killed_at = now - RESERVED_FOR
    assert isinstance(store.reservations.reserve(of_ada, ada, since=since, now=killed_at), str)
    assert not isinstance(store.reservations.reserve(of_ada, ada, since=since, now=now - timedelta(seconds=1)), str)
    assert isinstance(store.reservations.reserve(of_ada, ada, since=since, now=now), str)


def test_calls_whose_price_is_not_known_count_too(store: Store, connect: NewConnection) -> None:
    caps, ada = SpendingCaps(installation_usd=3 * CALL_USD), connect()
    assert pay(store, ada, caps, UNLISTED) is Code.INSTALLATION_BUDGET_REACHED
    assert store.ledger.spent(ada, since=month_of(datetime.now(UTC))[0]).calls_of_unknown_price == 3


def test_a_new_month_begins_with_all_of_its_budget(store: Store, connect: NewConnection, now: datetime) -> None:
    caps, ada = SpendingCaps(connection_usd=0.02), connect()
    last_month = month_of(now)[0] - timedelta(seconds=1)
    call = load_prices(None).priced(CALL)
    store.ledger.add(call, connection_id=ada, page_id="row", run_id="run", now=last_month)
    assert pay(store, ada, caps) is Code.CONNECTION_BUDGET_REACHED
    assert cents(store, ada) == 6 + 2


def test_the_operator_sees_what_counts_towards_the_cap_also_what_deleted_connections_paid(
    store: Store, connect: NewConnection, now: datetime
) -> None:
    caps = SpendingCaps(installation_usd=0.10)
    ada, grace = connect(), connect()
    pay(store, ada, caps, times=3)
    pay(store, grace, caps, times=2)
    store.deletions.delete(ada, now=now)
    overview = overview_of(store, now=now)
    assert overview.usd == pytest.approx(0.05)
    assert [each.connection.id for each in overview.accounts] == [grace]


def test_who_meets_a_cap_reads_which_it_is_and_who_can_raise_it() -> None:
    said = {code: TABLE[code].sentence for code in BUDGET_CODES}
    assert "raise it on the app's settings page" in said[Code.BUDGET_REACHED]
    assert "ask the operator to raise that limit" in said[Code.CONNECTION_BUDGET_REACHED]
    assert "ask the operator of this installation to trust your connection" in said[Code.NEW_CONNECTION_BUDGET_REACHED]
    assert "its operator has to raise it" in said[Code.INSTALLATION_BUDGET_REACHED]
    assert "{budget}" not in said[Code.INSTALLATION_BUDGET_REACHED]  # the operator's, not for strangers


@pytest.mark.parametrize("cap_usd", [0.01, 0.0])
def test_a_row_that_meets_a_cap_waits_for_the_next_month_unless_nothing_may_be_spent_at_all(
    store: Store, connect: NewConnection, now: datetime, cap_usd: float
) -> None:
    caps, ada = SpendingCaps(connection_usd=cap_usd), connect()
    pay(store, ada, caps)
    with pytest.raises(SvpError) as caught:
        meter(store, ada, caps).require_budget()
    outcome = failure_rule(caught.value)(waits=0, waiting_since=None, now=now)
    if cap_usd:
        assert outcome.retry_at is not None
        assert abs(outcome.retry_at - month_of(now)[1]) < timedelta(minutes=1)
        assert not outcome.uses_try
    else:
        assert (caught.value.retry, outcome.retry_at) == (Retry.NEVER, None)


def waiting_row(store: Store, connection_id: str, *, at: datetime) -> str:
    """A row that waits for the next month; its page id."""
    store.entries.request(link(connection_id, at=at), now=at)
    store.entries.claim("row", "run", may_take_over=lambda _: False, now=at)
    error = failure(Code.CONNECTION_BUDGET_REACHED, budget="$0.01", retry_after_s=20 * 24 * 3600.0)
    store.entries.fail("row", "run", failure_rule(error), now=at)
    return "row"


@pytest.mark.parametrize("raised_usd", [0.01, 0.02])
def test_rows_that_wait_go_on_as_soon_as_there_is_a_budget_again(
    store: Store, connect: NewConnection, now: datetime, raised_usd: float
) -> None:
    ada = connect()
    pay(store, ada, SpendingCaps(connection_usd=0.01))
    row = waiting_row(store, ada, at=now)
    found = known_entries(store, ada, [row], SpendingCaps(connection_usd=raised_usd), now=now)[row]
    assert found.status is Status.PENDING
    assert found.is_waiting
    assert found.retry_at is not None
    assert (found.retry_at <= now) == (raised_usd > 0.01)


def test_a_row_that_waited_for_a_month_still_has_its_week_for_a_site_that_is_paused(
    store: Store, connect: NewConnection, now: datetime
) -> None:
    ada = connect()
    row = waiting_row(store, ada, at=now - timedelta(days=30))
    entry = store.entries.get(row)
    assert entry is not None
    assert entry.waiting_since is None
    paused = failure(Code.PLATFORM_PAUSED, platform="TikTok")
    assert failure_rule(paused)(waits=entry.tries, waiting_since=entry.waiting_since, now=now).retry_at is not None


def test_an_owner_sees_the_cap_that_counts_and_the_one_that_is_used_up(
    store: Store, connect: NewConnection, now: datetime
) -> None:
    caps = SpendingCaps(new_connection_usd=0.02, connection_usd=0.05, installation_usd=1.0)
    stranger = connect(trusted=False, own_usd=0.10)
    connection = store.connections.get(stranger)
    assert connection is not None
    before = spending_of(store, connection, caps, now=now)
    assert before.used_up is None
    assert before.cap is not None
    assert (before.cap.usd, before.cap.code) == (0.02, Code.NEW_CONNECTION_BUDGET_REACHED)
    pay(store, stranger, caps)
    after = spending_of(store, connection, caps, now=datetime.now(UTC))
    assert after.used_up == before.cap
    assert after.spent.usd == pytest.approx(0.02)
