"""Personal API tokens, and what they may do."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from svp_dagster.store.web.callers import Scope
from tests.oauth_app.people import Person

VIDEO = "https://www.tiktok.com/@ada/video/7300000000000000001"


def make_token(person: Person, name: str = "Phone", scopes: tuple[Scope, ...] = tuple(Scope)) -> str:
    page = person.submit("/tokens", name=name, scope=[*scopes])
    found = re.search(r"svp_[\w-]{40,}", page.text)
    assert found, page.text
    return found[0]


def ask(app: Flask, token: str, path: str = "/api/connection", **options: object) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().open(path, headers=headers, **options)  # type: ignore[arg-type]


def test_a_token_adds_a_link_without_a_session_or_a_form_token(ada: Person, app: Flask) -> None:
    answer = ask(app, make_token(ada), "/api/entries", method="POST", json={"url": VIDEO, "tag": "cooking"})
    assert answer.status_code == 201
    assert answer.headers.get("Set-Cookie") is None


def test_a_token_is_shown_once(ada: Person) -> None:
    token = make_token(ada)
    page = ada.see("/tokens")
    assert "Phone" in page
    assert token not in page


def test_a_revoked_token_is_refused(ada: Person, app: Flask) -> None:
    token = make_token(ada)
    assert ask(app, token).status_code == 200
    action = re.search(r'action="(/tokens/\w+/revoke)"', ada.see("/tokens"))
    assert action
    assert ada.submit(action[1]).location == "/tokens"
    assert ask(app, token).status_code == 401


def test_the_tokens_of_a_disconnected_person_are_refused(ada: Person, app: Flask) -> None:
    token = make_token(ada)
    ada.submit("/auth/disconnect")
    assert ask(app, token).status_code == 401


@pytest.mark.parametrize("token", ["", "svp_", "svp_wrong", "x" * 5000, "a b", "ä"])
def test_what_is_no_token_is_nobody_even_beside_a_session(ada: Person, token: str) -> None:
    answer = ada.client.get("/api/entries", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["error"] == "not_signed_in"


def test_a_token_opens_no_page_of_another_session(ada: Person, app: Flask) -> None:
    assert ask(app, "svp_wrong", "/entries").location == "/"


def test_a_session_changes_nothing_by_api_without_the_form_token(ada: Person) -> None:
    answer = ada.client.post("/api/entries", json={"url": VIDEO, "tag": "cooking"})
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "csrf_token_missing"


def test_a_name_is_cut_and_never_markup(ada: Person) -> None:
    make_token(ada, "<b>" + "x" * 500)
    page = ada.see("/tokens")
    assert "&lt;b&gt;" in page
    assert "x" * 61 not in page


def test_there_is_an_end_to_tokens(ada: Person) -> None:
    for number in range(20):
        make_token(ada, str(number))
    assert ada.submit("/tokens", name="one more", scope="read").location == "/tokens"
    assert "There are 20 tokens already" in ada.see("/tokens")
