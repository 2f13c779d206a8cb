"""At most one alert per cause and hour, whoever sends it, and none is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.installation.alerts import CAP, RETRY_AFTER, Alert
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once

MINUTE = timedelta(minutes=1)


def record(store: Store, *, at: datetime, cause: str = "key_rejected") -> None:
    store.alerts.record(cause, sentence=f"Said at {at:%H:%M}.", link="http://localhost/1", at=at)


def send(store: Store, *, now: datetime) -> Alert | None:
    alert = store.alerts.begin_next(now=now)
    if alert is not None:
        store.alerts.sent(alert, now=now)
    return alert


def test_what_occurs_often_is_one_alert_with_the_last_sentence(store: Store, now: datetime) -> None:
    for minutes in range(500):
        record(store, at=now + minutes * timedelta(seconds=1))

    alert = send(store, now=now + 10 * MINUTE)

    assert alert is not None
    last = now + timedelta(seconds=499)
    assert (alert.count, alert.first_at, alert.last_at, alert.sentence) == (500, now, last, f"Said at {last:%H:%M}.")
    assert send(store, now=now + 11 * MINUTE) is None


def test_the_next_of_a_cause_is_sent_an_hour_later_by_any_process(store: Store, now: datetime) -> None:
    record(store, at=now)
    assert send(store, now=now) is not None
    record(store, at=now + MINUTE)
    another = Store(store.engine, TokenCipher(new_key()))

    assert send(another, now=now + CAP - MINUTE) is None
    alert = send(another, now=now + CAP)

    assert alert is not None
    assert (alert.count, alert.first_at, alert.last_at) == (1, now + MINUTE, now + MINUTE)
    assert send(another, now=now + 3 * CAP) is None


def test_another_cause_does_not_wait(store: Store, now: datetime) -> None:
    record(store, at=now)
    record(store, at=now + MINUTE, cause="storage_full")

    causes = [alert.cause for alert in iter(lambda: send(store, now=now + MINUTE), None)]

    assert causes == ["key_rejected", "storage_full"]


def test_what_was_not_delivered_is_tried_again_later(store: Store, now: datetime) -> None:
    record(store, at=now)
    first = store.alerts.begin_next(now=now)
    assert store.alerts.begin_next(now=now + RETRY_AFTER - MINUTE) is None
    second = store.alerts.begin_next(now=now + RETRY_AFTER)

    assert first is not None
    assert second is not None
    assert (first.tries, second.tries, second.count) == (1, 2, 1)


def test_what_occurs_while_an_alert_is_sent_is_left_for_the_next(store: Store, now: datetime) -> None:
    record(store, at=now)
    alert = store.alerts.begin_next(now=now)
    record(store, at=now + MINUTE)
    assert alert is not None
    store.alerts.sent(alert, now=now + MINUTE)

    following = send(store, now=now + MINUTE + CAP)

    assert following is not None
    assert (following.count, following.first_at) == (1, now + MINUTE)


def test_what_is_recorded_again_with_the_same_time_is_no_news(store: Store, now: datetime) -> None:
    for _ in range(3):
        record(store, at=now)
    alert = send(store, now=now)
    assert alert is not None
    assert alert.count == 1
    record(store, at=now)
    assert send(store, now=now + 2 * CAP) is None


def test_of_many_who_would_send_an_alert_one_does(store: Store, now: datetime) -> None:
    record(store, at=now)
    begun = all_at_once(lambda _number: store.alerts.begin_next(now=now), times=4)
    assert len([alert for alert in begun if alert is not None]) == 1


def test_many_runs_that_fail_at_once_are_all_counted(store: Store, now: datetime) -> None:
    all_at_once(lambda number: record(store, at=now + number * MINUTE), times=4)
    alert = send(store, now=now + CAP)
    assert alert is not None
    assert 1 <= alert.count <= 4
    assert alert.last_at == now + 3 * MINUTE
