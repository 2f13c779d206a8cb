"""Bodies, addresses and headers that no program of ours would send: they are refused, and nothing breaks."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth_app.rules import Rule, rule_of
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token

pytestmark = pytest.mark.slow

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
BOUNDARY = f"{MULTIPART}; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="\x00"\r\n\r\n'

DEEP = {
    "arrays": b"[" * 200_000,
    "closed arrays": b"[" * 100_000 + b"]" * 100_000,
    "objects": b'{"a":' * 150_000,
    "within an object": b'{"url": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
ODD_JSON = {
    **DEEP,
    "NaN": b'{"url": NaN}',
    "infinite": b'{"url": -Infinity}',
    "too large": b'{"url": 1e400}',
    "too many digits": b'{"url": ' + b"9" * 5000 + b"}",
    "a key twice": b'{"url": "a", "url": "b"}',
    "NUL": b'{"url": "\x00"}',
    "not UTF-8": b'{"url": "\xff\xfe"}',
    "cut off": b'{"url": "https:',
    "a text": b'"url"',
    "a number": b"1",
    "null": b"null",
    "an array": b"[]",
    "compressed": gzip.compress(b'{"url": "https://www.tiktok.com/@a/video/1"}'),
}
STRANGE_JSON = {
    "escaped NUL": b'{"url": "\\u0000", "tag": "\\u0000", "database": "\\u0000", "parent_page": "\\u0000"}',
    "half a character": b'{"url": "\\ud800", "tag": "\\ud800", "database": "\\ud800", "parent_page": "\\ud800"}',
    "controls": b'{"url": "\\u0001\\u001b\\u202e", "tag": "\\u0085\\u2028", "prompt": "\\u0007"}',
    "UTF-16": '{"url": "x", "tag": "y"}'.encode("utf-16"),
    "a mark in front": b"\xef\xbb\xbf{}",
    "other types": b'{"url": {}, "tag": [], "database": 0, "prompt": true, "template": null, "code": 1.5}',
    "nothing": b"",
}
ODD_FORMS = {
    "a form": (FORM, b"url=x&tag=y"),
    "NUL in a form": (FORM, b"url=%00&tag=%00&name=%00&state=%00"),
    "a form that is not UTF-8": (FORM, b"url=%ff%fe&tag=%zz&name=\xff&key=\xff&monthly_budget_usd=%ff"),
    "odd numbers": (FORM, b"monthly_budget_usd=1e400&offset=nan&show=%F0%9F%98%80"),
    "a very large number": (FORM, b"monthly_budget_usd=" + b"9" * 5000),
    "many fields": (FORM, b"a=1&" * 5000),
    "a long name": (FORM, b"a" * 600_000 + b"=1"),
    "many parts": (BOUNDARY, (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2000) + b"--x--"),
    "a part cut off": (BOUNDARY, PART + b"x"),
    "no boundary": (MULTIPART, PART),
    "a strange boundary": (f"{MULTIPART}; boundary=\x80\xff", PART),
    "text": ("text/plain", b"{}"),
    "XML": ("application/xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "a charset that isn't": ("application/json; charset=nonsense", b"{}"),
    "a type that isn't": ("\x80/\xff", b"{}"),
    "a long type": ("a" * 8000, b"{}"),
}
ODD_QUERIES = [
    "%00",
    "show=%00&tag=%00&offset=%00&seen=%00&status=%00",
    "offset=" + "9" * 5000,
    "offset=-1&limit=-1",
    "offset=1e400&limit=NaN",
    "offset=1&offset=2&limit=%F0%9F%98%80",
    "tag=%ff%fe&status=%ff&show=%ff&state=%ff&code=%ff",
    "tag=" + "x" * 100_000,
    "tag=%ED%A0%80&seen=%0d%0aX-Injected:%201",
    "&&&===%%%;;;",
    "__proto__[x]=1&url[]=1&a.b=c",
]
ODD_IDS = [
    "%00",
    "%ff",
    "..%2f..%2fetc%2fpasswd",
    "%0d%0aX-Injected:%201",
    "'%20OR%201=1--",
    "{{7*7}}",
    "9" * 5000,
    "\U0001f600",
    "e\u0301",
]
ODD_HEADERS = [
    {"Authorization": "Bearer \xff"},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer " + "x" * 20_000},
    {"Authorization": "Digest \x80=,="},
    {"Cookie": "svp_session=\xff; =; svp_session=" + "." * 9000},
    {"Cookie": "svp_session=eyJhIjoxfQ.x.y"},
    {"X-CSRFToken": "\xff" * 500},
    {"X-Notion-Signature": "\xff"},
    {"Content-Length": "nonsense"},
    {"Content-Encoding": "gzip"},
    {"Host": "a b"},
    {"Host": "\xff"},
    {"Origin": "\xff", "Access-Control-Request-Method": "\xff"},
    {"Accept": "\xff", "Range": "bytes=9-0", "If-None-Match": "\xff", "If-Modified-Since": "never"},
    {"HX-Request": "\xff", "X-Forwarded-For": "\xff, ::ffff:1.2.3.4.5"},
]
NO_ID = "0" * 32
NOT_OFTEN = (
    "my_data.delete",
    "sign_in.sign_out",
    "sign_in.sign_out_everywhere",
    "sign_in.disconnect",
    "health.ready",
    "operator.show",
    "static",
)
"""They end the session, or take long."""
BROKEN = range(500, 600)


@dataclass(frozen=True)
class Callers:
    """Nobody, a person and a script, each with the headers that it sends."""

    nobody: tuple[FlaskClient, dict[str, str]]
    person: tuple[FlaskClient, dict[str, str]]
    script: tuple[FlaskClient, dict[str, str]]

    def may_call(self, rule: Rule | None) -> tuple[FlaskClient, dict[str, str]]:
        """Return a caller whose request reaches the view."""
        callers = {Rule.SESSION: self.person, Rule.FORM: self.person, Rule.API: self.script}
        return callers.get(rule or Rule.PUBLIC, self.nobody)


@pytest.fixture
def callers(app: Flask, ada: Person) -> Callers:
    """The callers of the app; the person is Ada, and the script is hers."""
    return Callers(
        nobody=(app.test_client(), {}),
        person=(ada.client, {"X-CSRFToken": ada.csrf}),
        script=(app.test_client(), {"Authorization": f"Bearer {make_token(ada)}"}),
    )


def routes(app: Flask) -> Iterator[tuple[str, str, Rule | None]]:
    """Yield the method, path and rule of every route that a test can call often."""
    for route in app.url_map.iter_rules():
        if route.endpoint in NOT_OFTEN:
            continue
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, re.sub("<.*?>", NO_ID, route.rule), rule_of(route.endpoint)


@pytest.mark.parametrize(
    "bodies",
    [
        {name: (JSON, body) for name, body in (ODD_JSON | STRANGE_JSON).items()},
        {name: (FORM, body) for name, body in DEEP.items()},
        ODD_FORMS,
    ],
    ids=["JSON", "JSON as a form", "others"],
)
def test_no_body_breaks_anything(app: Flask, callers: Callers, bodies: dict[str, tuple[str, bytes]]) -> None:
    for (name, (content_type, body)), (method, path, rule) in product(bodies.items(), routes(app)):
        if method == "GET":
            continue
        client, headers = callers.may_call(rule)
        answer = client.open(path, method=method, data=body, content_type=content_type, headers=headers)
        assert answer.status_code not in BROKEN, f"{name} to {method} {path}: {answer.text}"


def test_no_query_breaks_anything(app: Flask, callers: Callers) -> None:
    for query, (method, path, rule) in product(ODD_QUERIES, routes(app)):
        client, headers = callers.may_call(rule)
        answer = client.open(f"{path}?{query}", method=method, headers=headers)
        assert answer.status_code not in BROKEN, f"{method} {answer.request.url}: {answer.text}"
        assert "X-Injected" not in answer.headers


def test_no_id_breaks_anything(app: Flask, callers: Callers) -> None:
    for identifier, (method, pattern, rule) in product(ODD_IDS, routes(app)):
        path = pattern.replace(NO_ID, identifier)
        client, headers = callers.may_call(rule)
        answer = client.open(path, method=method, headers=headers)
        assert answer.status_code not in BROKEN, f"{method} {answer.request.url}: {answer.text}"
        assert "X-Injected" not in answer.headers


def test_no_header_breaks_anything(app: Flask, callers: Callers) -> None:
    for odd, (method, path, rule) in product(ODD_HEADERS, routes(app)):
        client, headers = callers.may_call(rule)
        answer = client.open(path, method=method, headers={**headers, **odd})
        assert answer.status_code not in BROKEN, f"{odd} to {method} {path}: {answer.text}"


def test_the_api_says_what_is_wrong_with_json(callers: Callers) -> None:
    for (name, body), (client, headers) in product(ODD_JSON.items(), (callers.person, callers.script)):
        answer = client.post("/api/entries", data=body, content_type=JSON, headers=headers)
        assert answer.status_code == 400, name
        assert answer.json is not None
        assert answer.json["error"] == "no_json"
        if name in DEEP:
            assert answer.json["message"] == "The JSON is nested too deeply."


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize(("path", "status"), [("/webhooks/notion", 401), ("/auth/notion/callback", 400)])
def test_deep_json_of_a_stranger_is_refused(app: Flask, body: bytes, path: str, status: int) -> None:
    assert app.test_client().post(path, data=body, content_type=JSON).status_code == status


@pytest.mark.parametrize("path", ["/api/entries", "/api/entries/retry", "/api/databases/make"])
def test_the_api_takes_json_alone(callers: Callers, path: str) -> None:
    kinds = [ODD_FORMS[name] for name in ("a form", "a part cut off", "text", "XML", "a type that isn't")]
    for (content_type, body), (client, headers) in product(kinds, (callers.person, callers.script)):
        for sent in (body, b""):
            answer = client.post(path, data=sent, content_type=content_type, headers=headers)
            assert answer.status_code == 415
            assert answer.json is not None
            assert "application/json" in answer.json["message"]


def test_compressed_bodies_are_refused(callers: Callers) -> None:
    client, headers = callers.person
    body, packed = gzip.compress(b"{}"), {"Content-Encoding": "gzip"}
    assert client.post("/api/entries", data=body, content_type=JSON, headers=headers | packed).status_code == 415


@pytest.mark.parametrize("query", ["", "?output_language=English"])
@pytest.mark.parametrize("values", [["\0"], ["English", "\0"]], ids=["one value", "a second one"])
def test_nul_is_refused_wherever_it_is(ada: Person, query: str, values: list[str]) -> None:
    assert ada.submit(f"/settings{query}", output_language=values).status_code == 400


def test_what_is_good_is_still_taken(callers: Callers) -> None:
    link: Any = {"url": "https://www.tiktok.com/@ada/video/7300000000000000001", "tag": "cooking"}
    for client, headers in (callers.person, callers.script):
        assert client.post("/api/entries", json=link, headers=headers).status_code == 201
        assert client.post("/api/link-database/check", headers=headers).status_code == 200
