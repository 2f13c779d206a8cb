"""Anybody can post a verification token to the webhooks: the operator takes the one that was shown, and no other."""

from __future__ import annotations

import json
import os
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oauth_app.services import Services
from oauth_app.webhooks import signature_of
from tests.oauth_app.people import Person

NOTIONS, FORGED = "secret_that_notion_made", "secret_of_an_attacker"
NOTION, ATTACKER = "192.0.2.1", "198.51.100.66"


def offer(app: Flask, token: str, *, address: str = NOTION) -> TestResponse:
    """Post a verification token from an address."""
    return app.test_client().post(
        "/webhooks/notion", json={"verification_token": token}, environ_overrides={"REMOTE_ADDR": address}
    )


def status_of_event(app: Flask, token: str) -> int:
    """Return how an event that is signed with this token is answered."""
    raw = json.dumps({"type": "page.created", "entity": {"id": str(uuid.uuid4()), "type": "page"}}).encode()
    return (
        app.test_client()
        .post("/webhooks/notion", data=raw, headers={"X-Notion-Signature": signature_of(raw, token)})
        .status_code
    )


def look(operator: Person) -> str:
    """Return the operator's page."""
    return operator.see("/operator")


def shown_offer(page: str, token: str) -> str:
    """Return what the form beside a token sends."""
    found = re.search(r'name="offer" value="(\w+)"', page[page.index(token) :])
    return found[1] if found else ""


def sign_in_as_operator(person: Person) -> Person:
    """Open the operator's page with the key that lies in the home folder."""
    person.see("/operator")
    person.submit("/operator/key", key=(Path(os.environ["SVP_HOME"]) / "operator.key").read_text())
    return person


@pytest.fixture
def operator(person: Person) -> Person:
    """Who runs the installation, signed in."""
    return sign_in_as_operator(person)


def test_a_token_that_comes_between_the_look_and_the_click_is_not_taken(app: Flask, operator: Person) -> None:
    offer(app, NOTIONS)
    page = look(operator)
    offer(app, FORGED, address=ATTACKER)
    operator.submit("/operator/webhooks/confirm", offer=shown_offer(page, NOTIONS))
    assert status_of_event(app, FORGED) == 401
    assert status_of_event(app, NOTIONS) == 200


def test_who_comes_first_does_not_keep_notion_out(app: Flask, operator: Person) -> None:
    offer(app, FORGED, address=ATTACKER)
    assert offer(app, NOTIONS).status_code == 200
    page = look(operator)
    assert FORGED in page
    assert ATTACKER in page
    assert NOTION in page
    assert page.count("just now") >= 2
    operator.submit("/operator/webhooks/confirm", offer=shown_offer(page, NOTIONS))
    assert status_of_event(app, NOTIONS) == 200
    assert FORGED not in look(operator)
    assert status_of_event(app, FORGED) == 401


def test_a_token_that_was_discarded_can_not_be_taken(app: Flask, operator: Person) -> None:
    offer(app, FORGED, address=ATTACKER)
    offer(app, NOTIONS)
    forged = shown_offer(look(operator), FORGED)
    operator.submit("/operator/webhooks/discard", offer=forged)
    page = look(operator)
    assert FORGED not in page
    assert NOTIONS in page
    operator.submit("/operator/webhooks/confirm", offer=forged)
    assert "isn&#39;t waiting any more" in look(operator)
    assert status_of_event(app, FORGED) == 401


@pytest.mark.parametrize("named", ["", "0" * 64, NOTIONS])
def test_nothing_is_taken_that_was_not_shown(app: Flask, operator: Person, named: str) -> None:
    offer(app, NOTIONS)
    operator.submit("/operator/webhooks/confirm", offer=named)
    assert status_of_event(app, NOTIONS) == 401


def test_one_address_can_not_fill_the_page(app: Flask, operator: Person) -> None:
    answers = [offer(app, f"{FORGED}_{number}", address=ATTACKER) for number in range(20)]
    assert [answer.status_code for answer in answers[:3]] == [200, 200, 200]
    assert {answer.status_code for answer in answers[3:]} == {409}
    assert answers[-1].json is not None
    assert answers[-1].json["error"] == "too_many_offers"
    assert offer(app, NOTIONS).status_code == 200
    assert NOTIONS in look(operator)


def test_many_addresses_can_not_fill_the_database_and_the_operator_can_start_over(app: Flask, operator: Person) -> None:
    answers = [offer(app, f"{FORGED}_{number}", address=f"198.51.100.{number}") for number in range(30)]
    assert [answer.status_code for answer in answers].count(200) == 10
    operator.submit("/operator/webhooks/start-over")
    assert FORGED not in look(operator)
    assert offer(app, NOTIONS).status_code == 200


def test_notion_repeating_itself_is_one_token(app: Flask, operator: Person) -> None:
    for _ in range(8):
        assert offer(app, NOTIONS).status_code == 200
    assert look(operator).count(NOTIONS) == 1


def test_a_token_that_nobody_took_is_gone_after_a_day(
    app: Flask, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(app, FORGED, address=ATTACKER)
    shown = shown_offer(look(operator), FORGED)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr(Services, "now", lambda _: tomorrow)
    sign_in_as_operator(operator)
    assert FORGED not in look(operator)
    operator.submit("/operator/webhooks/confirm", offer=shown)
    assert status_of_event(app, FORGED) == 401
