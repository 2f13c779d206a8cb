"""Any order of requests, runs, takeovers and late workers keeps the promises of link entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from svp_dagster.errors import ClaimLost, Code, failure
from svp_dagster.models import Status
from svp_dagster.rows.waiting import MAX_WAITS, failure_rule
from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import make_engine
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store
from tests.store.examples import GONE, link, sign_in

RUNS = st.sampled_from([f"run-{number}" for number in range(4)])
STAGES = st.sampled_from([Status.DOWNLOADING, Status.TRANSCRIBING, Status.PROCESSING, Status.SAVING])


class RowLife(RuleBasedStateMachine):
    """One row, four runs, and workers that go on after their run was declared over."""

    new_store: Callable[[], Store]

    def __init__(self) -> None:
        super().__init__()
        self.store = type(self).new_store()
        self.now = datetime(2026, 11, 20, tzinfo=UTC)
        self.connection_id = sign_in(self.store, now=self.now).id
        self.entry = self.store.entries.request(link(self.connection_id, at=self.now), now=self.now)
        self.over: set[str] = set()
        self.holder: str | None = None

    def teardown(self) -> None:
        self.store.engine.dispose()

    def write(self, run_id: str, change: Callable[[], Entry]) -> bool:
        """Whether the change was made: exactly when the model says that the run holds the row."""
        try:
            change()
        except ClaimLost:
            assert run_id != self.holder
            return False
        assert run_id == self.holder
        return True

    @rule()
    def a_person_asks(self) -> None:
        final = self.entry.status.is_final
        asked = self.store.entries.request(link(self.connection_id, at=self.now), now=self.now)
        assert asked.requests == self.entry.requests + (1 if final else 0)
        assert asked.status is (Status.PENDING if final else self.entry.status)

    @rule()
    def the_sensor_rejects(self) -> None:
        self.store.entries.reject(link(self.connection_id, at=self.now), GONE, now=self.now)
        self.holder = None

    @rule(run_id=RUNS)
    def a_run_claims(self, run_id: str) -> None:
        before = self.holder
        try:
            self.store.entries.claim("row", run_id, may_take_over=lambda holder: holder in self.over, now=self.now)
        except ClaimLost:
            assert before != run_id
            assert (before is not None and before not in self.over) or self.entry.run_id == run_id
        else:
            assert before in (None, run_id) or before in self.over
            self.holder = run_id

    @rule(run_id=RUNS)
    def a_run_is_declared_over(self, run_id: str) -> None:
        self.over.add(run_id)

    @rule(run_id=RUNS, status=STAGES)
    def a_stage_begins(self, run_id: str, status: Status) -> None:
        self.write(run_id, lambda: self.store.entries.set_status("row", run_id, status, now=self.now))

    @rule(run_id=RUNS)
    def a_run_completes(self, run_id: str) -> None:
        if self.write(run_id, lambda: self.store.entries.complete("row", run_id, now=self.now)):
            self.holder = None

    @rule(run_id=RUNS)
    def a_run_fails(self, run_id: str) -> None:
        if self.write(
            run_id, lambda: self.store.entries.fail("row", run_id, failure_rule(failure(Code.GONE)), now=self.now)
        ):
            self.holder = None

    @rule(run_id=RUNS)
    def a_run_puts_the_row_back_to_wait(self, run_id: str) -> None:
        if self.write(
            run_id,
            lambda: self.store.entries.fail("row", run_id, failure_rule(failure(Code.SITE_CHANGED)), now=self.now),
        ):
            self.holder = None

    @rule(run_id=RUNS)
    def a_run_ends_without_a_claim(self, run_id: str) -> None:
        self.store.entries.fail_unclaimed("row", run_id, failure_rule(failure(Code.INTERRUPTED)), now=self.now)

    @rule()
    def the_row_is_deleted(self) -> None:
        self.store.entries.row_gone("row", now=self.now)

    @rule(behind=st.integers(min_value=-1, max_value=2))
    def notion_is_told(self, behind: int) -> None:
        self.store.entries.synced("row", self.entry.version - behind, now=self.now)

    @invariant()
    def the_promises_hold(self) -> None:
        before, entry = self.entry, self.store.entries.get("row")
        assert entry is not None
        assert entry.holder == self.holder
        assert not (entry.status.is_final and entry.holder)
        assert entry.status is not Status.FAILED or entry.sentence is not None
        assert entry.is_waiting == (entry.retry_at is not None and entry.holder is None)
        assert entry.waits <= MAX_WAITS
        assert before.synced_version <= entry.synced_version <= entry.version
        assert before.version <= entry.version
        assert entry.status is before.status or entry.version > before.version
        assert before.requests <= entry.requests
        unsynced = self.store.entries.unsynced(before=self.now + timedelta(seconds=1), per_connection=9, limit=5)
        assert [one.version for one in unsynced] == ([entry.version] if entry.is_unsynced else [])
        self.entry = entry


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 25), ("postgresql", 8)])
def test_a_row_keeps_its_promises(request: pytest.FixtureRequest, kind: str, examples: int) -> None:
    new_url: Callable[[], str] = request.getfixturevalue(f"new_{kind}")

    def new_store() -> Store:
        return Store(make_engine(new_url()), TokenCipher(new_key()))

    machine = type("RowLifeHere", (RowLife,), {"new_store": staticmethod(new_store)})
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=25))
