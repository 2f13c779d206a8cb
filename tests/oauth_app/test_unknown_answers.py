"""Answers that no rule knows: the operator sees and downloads them, nobody else does."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from svp_dagster.store.store import Store
from svp_dagster.unknown_answers import report
from tests.oauth_app.people import Person
from tests.oauth_app.test_site_health import csrf

DOWNLOAD = "/operator/unknown-answers.json"


def become_operator(person: Person, home: Path) -> None:
    person.see("/operator")
    person.client.post("/operator/key", data={"key": (home / "operator.key").read_text(), "csrf_token": csrf(person)})


def test_the_operator_sees_and_downloads_unknown_answers(
    app: Flask, person: Person, store: Store, tmp_path: Path
) -> None:
    with app.app_context():
        become_operator(person, tmp_path / "home")
    assert "None: every service answered in a way that is known." in person.see("/operator")
    for _ in range(2):
        report("OpenAI", status=418, kind="<teapot>", headers={"X-Request-Id": "1", "Cookie": "c"}, body="a teapot")
    report("tiktok", status=None, kind="ExtractorError", body="a new page")
    page = person.see("/operator")
    for words in ("&lt;teapot&gt;", "418", "TikTok", "2 since", DOWNLOAD):
        assert words in page
    answer = person.client.get(DOWNLOAD)
    assert "attachment" in answer.headers["Content-Disposition"]
    teapot = next(one for one in answer.get_json() if one["service"] == "OpenAI")
    assert (teapot["count"], teapot["body"], teapot["headers"]) == (2, "a teapot", {"x-request-id": "1"})
    assert len(store.unknown_answers.all()) == 2


def test_nobody_else_can_download_them(person: Person) -> None:
    assert person.client.get(DOWNLOAD).status_code == 403
