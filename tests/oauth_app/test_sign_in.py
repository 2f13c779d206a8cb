"""Connecting Notion, and every way in which it doesn't come about."""

from __future__ import annotations

from tests.oauth_app.people import Person


def test_a_person_who_allows_access_is_signed_in(person: Person) -> None:
    answer = person.come_back(person.answer_notion(person.leave_for_notion()))
    assert answer.status_code == 302
    assert "Set up" in person.see("/databases")
