"""Answers that no rule knows: kept once per kind. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from svp_dagster.store.installation.unknown_answers import MAX_KINDS
from svp_dagster.store.store import Store
from svp_dagster.unknown_answers import UnknownAnswer
from tests.store.examples import all_at_once

HOUR = timedelta(hours=1)


def answer(
    *, service: str = "OpenAI", status: int | None = 418, kind: str = "teapot", body: str = "?"
) -> UnknownAnswer:
    return UnknownAnswer(service=service, status=status, kind=kind, headers={"x-request-id": "1"}, body=body)


def test_the_first_answer_of_a_kind_is_kept_and_the_others_are_counted(store: Store, now: datetime) -> None:
    for hours, body in enumerate(("first", "second", "third")):
        store.unknown_answers.record(answer(body=body), now=now + hours * HOUR)
    (kept,) = store.unknown_answers.all()
    assert (kept.body, kept.count, kept.headers) == ("first", 3, {"x-request-id": "1"})
    assert (kept.first_seen, kept.last_seen) == (now, now + 2 * HOUR)


def test_service_status_and_kind_tell_answers_apart(store: Store, now: datetime) -> None:
    several = [answer(), answer(service="Gemini"), answer(status=None), answer(kind="pot\0")]
    for hours, one in enumerate(several):
        store.unknown_answers.record(one, now=now + hours * HOUR)
    kept = store.unknown_answers.all()
    assert [(one.service, one.status, one.kind) for one in kept] == [
        ("OpenAI", 418, "pot"),
        ("OpenAI", None, "teapot"),
        ("Gemini", 418, "teapot"),
        ("OpenAI", 418, "teapot"),
    ]


def test_answers_that_come_at_once_are_all_counted(store: Store, now: datetime) -> None:
    all_at_once(lambda _: store.unknown_answers.record(answer(), now=now), times=8)
    assert [one.count for one in store.unknown_answers.all()] == [8]


def test_there_is_an_end_of_kinds(store: Store, now: datetime) -> None:
    for number in range(MAX_KINDS + 3):
        store.unknown_answers.record(answer(kind=str(number)), now=now)
    store.unknown_answers.record(answer(kind="0"), now=now + HOUR)
    kept = store.unknown_answers.all()
    assert len(kept) == MAX_KINDS
    assert (kept[0].kind, kept[0].count) == ("0", 2)


def test_kinds_that_come_no_more_are_forgotten(store: Store, now: datetime) -> None:
    for kind, hours in (("old", 0), ("again", 0), ("again", 2), ("new", 2)):
        store.unknown_answers.record(answer(kind=kind), now=now + hours * HOUR)
    assert store.unknown_answers.forget_before(now + HOUR) == 1
    assert sorted(one.kind for one in store.unknown_answers.all()) == ["again", "new"]
