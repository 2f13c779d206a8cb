"""No request chooses where a browser is sent, or what a link of ours leads to."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from oauth_app.rules import Rule, rule_of
from tests.oauth_app.people import Person
from tests.security.app_web import app_web, exchange

EVIL = "evil.example"
NOT_WALKED = ("static", "health.ready", "sign_in.disconnect", "my_data.delete")
VALUES = {
    "next": f"https://{EVIL}/",
    "url": f"//{EVIL}",
    "redirect": f"/\\{EVIL}",
    "redirect_uri": f"https:{EVIL}",
    "return_to": f"/%09/{EVIL}",
    "continue": f"@{EVIL}",
    "from": f"//{EVIL}",
    "here": EVIL,
    "tag": f"//{EVIL}",
}


def hosts_of(location: str) -> str:
    """Return the host that a browser takes from a Location, which reads a backslash as a slash."""
    return urlsplit(location.replace("\\", "/")).netloc


@pytest.mark.parametrize("sent", ["Host", "X-Forwarded-Host", "X-Original-Host", "Forwarded"])
def test_no_page_and_no_redirect_is_made_of_the_host_of_a_request(app: Flask, ada: Person, sent: str) -> None:
    headers = {sent: f"host={EVIL}" if sent == "Forwarded" else EVIL}
    walked = 0
    for route in app.url_map.iter_rules():
        if "GET" in (route.methods or set()) and not route.arguments and route.endpoint != "health.ready":
            answer = ada.client.get(route.rule, headers=headers)
            assert EVIL not in answer.text, route
            assert EVIL not in str(answer.headers), route
            walked += 1
    assert walked > 12


def test_no_odd_path_is_redirected_to_the_host_of_a_request(tmp_path: Path) -> None:
    targets = ["//entries", f"//{EVIL}", "/\\evil", "/entries/", "/entries//live", "/static//app.css", "?", "@evil"]
    with app_web(tmp_path) as web:
        for target in targets:
            sent = f"GET {target} HTTP/1.1\r\nHost: {EVIL}\r\nConnection: close\r\n\r\n"
            head = exchange(web.port, sent.encode()).partition(b"\r\n\r\n")[0]
            assert head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 302 ", b"HTTP/1.1 404 ")), target
            assert EVIL.encode() not in head, target


def test_no_value_of_a_request_says_where_to_go(app: Flask, ada: Person) -> None:
    walked = 0
    for route in app.url_map.iter_rules():
        if rule_of(route.endpoint) is Rule.API or route.endpoint in NOT_WALKED:
            continue
        path = re.sub("<.*?>", "0" * 32, route.rule)
        for method in sorted((route.methods or set()) & {"GET", "POST"}):
            form = VALUES | {"csrf_token": ada.csrf} if method == "POST" else None
            answer = ada.client.open(path, method=method, query_string=VALUES, data=form)
            host = hosts_of(answer.location or "")
            assert host in ("", "localhost", urlsplit(ada.notion.url).netloc), f"{method} {route}: {answer.location}"
            walked += 1
            if route.endpoint.startswith("sign_in.sign_out"):
                ada.sign_in()
    assert walked > 25
