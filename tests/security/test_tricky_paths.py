"""A path or method that is written in another way opens nothing that the plain one doesn't."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from oauth_app.rules import Rule, rule_of
from tests.oauth_app.people import Person

TO_THE_OPERATOR = [
    "/operator/unknown-answers.json",
    "/operator%2funknown-answers.json",
    "/%6fperator/unknown-answers.json",
    "/OPERATOR/unknown-answers.json",
    "/operator/unknown-answers.json/",
    "/operator/unknown-answers.json;a=b",
    "/operator/./unknown-answers.json",
    "/static/../operator/unknown-answers.json",
    "/health/../operator/unknown-answers.json",
    "/api/../operator/unknown-answers.json",
    "//operator/unknown-answers.json",
    "/operator//unknown-answers.json",
    "/operator/unknown-answers.json%00.css",
    "/operator/unknown-answers%2ejson",
]
TO_THE_CODE = [
    "/static/../app.py",
    "/static/%2e%2e/app.py",
    "/static/..%2fapp.py",
    "/static/..%5capp.py",
    "/static/....//app.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/vendor/..%2f..%2fapp.py",
    "/static/%00app.css",
    "/static/",
]


@pytest.mark.parametrize("path", TO_THE_OPERATOR)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PROPFIND"])
def test_the_operators_answers_stay_closed(app: Flask, ada: Person, path: str, method: str) -> None:
    for client in (app.test_client(), ada.client):
        answer = client.open(path, method=method)
        is_a_static_files = method == "OPTIONS" and path.startswith("/static/") and not answer.data
        assert answer.status_code in (400, 403, 404, 405) or is_a_static_files


@pytest.mark.parametrize("path", TO_THE_CODE)
def test_no_file_but_the_static_ones_is_served(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code in (400, 404)
    assert "create_app" not in answer.text


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_header_does_not_change_the_method(ada: Person, header: str) -> None:
    answer = ada.client.get("/auth/sign-out", headers={header: "POST", "X-CSRFToken": ada.csrf})
    assert answer.status_code == 405
    assert ada.client.get("/settings").status_code == 200


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Accel-Redirect"])
def test_a_header_does_not_change_the_path(app: Flask, header: str) -> None:
    answer = app.test_client().get("/api", headers={header: "/operator/unknown-answers.json"})
    assert answer.status_code == 200
    assert header not in answer.headers


def test_other_methods_show_nobody_what_get_does_not(app: Flask) -> None:
    client, walked = app.test_client(), 0
    for route in app.url_map.iter_rules():
        if rule_of(route.endpoint) in (Rule.PUBLIC, Rule.NOTION) or "GET" not in (route.methods or set()):
            continue
        path = re.sub("<.*?>", "0" * 32, route.rule)
        shown = client.get(path)
        for method in ("HEAD", "OPTIONS"):
            answer = client.open(path, method=method)
            assert (answer.status_code, answer.location) == (shown.status_code, shown.location), f"{method} {route}"
        assert client.open(path, method="TRACE").status_code == 405
        walked += 1
    assert walked > 12


def test_every_answer_of_every_route_has_its_headers(app: Flask, ada: Person) -> None:
    walked = 0
    for route in app.url_map.iter_rules():
        path = re.sub("<.*?>", "0" * 32, route.rule)
        for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE"):
            if route.endpoint in ("sign_in.sign_out", "sign_in.sign_out_everywhere", "health.ready"):
                continue
            for client in (app.test_client(), ada.client):
                answer = client.open(path, method=method, buffered=True)
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
                if route.endpoint != "static":
                    assert answer.headers["Cache-Control"] == "no-store", f"{method} {route}"
                assert "Access-Control-Allow-Origin" not in answer.headers
                walked += 1
    assert walked > 300
