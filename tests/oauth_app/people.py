"""A person with a browser, without the browser: keeps cookies, follows Notion's authorize page, fills in forms."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.notion.client.notion_sandbox import NotionSandbox

_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class Person:
    """Someone who uses the app."""

    def __init__(self, app: Flask, notion: NotionSandbox) -> None:
        self.client = app.test_client()
        self.notion = notion
        self._csrf = ""

    def leave_for_notion(self) -> dict[str, str]:
        """Begin a sign-in; what Notion's authorize page is asked."""
        return self.asked_of(self.client.get("/auth/notion/login?here=1"))

    def asked_of(self, answer: TestResponse) -> dict[str, str]:
        """What a redirect asks Notion's authorize page."""
        assert answer.status_code == 302, answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}

    def answer_notion(self, asked: dict[str, str], *, answer: str = "allow") -> dict[str, str]:
        """Allow or deny at Notion; what Notion sends the browser back with."""
        form = asked | {"answer": answer, "workspace": self.notion.workspace_id, "page": self.notion.page_id}
        # Not by a client that logs: a browser keeps its addresses to itself.
        connection = HTTPConnection(urlsplit(self.notion.url).netloc)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/v1/oauth/authorize", urlencode(form), kind)
        location = connection.getresponse().headers["location"]
        connection.close()
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def come_back(self, answered: dict[str, str]) -> TestResponse:
        """Follow Notion's redirect."""
        return self.client.get("/auth/notion/callback", query_string=answered)

    def sign_in(self) -> Person:
        """All of it."""
        answer = self.come_back(self.answer_notion(self.leave_for_notion()))
        assert answer.status_code == 302, answer.text
        self._csrf = ""  # of the session before
        return self

    def see(self, path: str) -> str:
        """The words and marks of a page."""
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.location}"
        return answer.text

    def submit(self, path: str, **fields: str | list[str]) -> TestResponse:
        """Send a form, with the token that a page of this session holds."""
        return self.client.post(path, data=fields | {"csrf_token": self.csrf})

    def ask(self, method: str, path: str, json: Any = None) -> TestResponse:
        """Call the API as this session."""
        return self.client.open(path, method=method, json=json, headers={"X-CSRFToken": self.csrf})

    @property
    def csrf(self) -> str:
        """The session's token."""
        for path in ("/settings", "/operator"):  # whoever isn't signed in has a form on the second alone
            if not self._csrf:
                found = _CSRF.search(self.client.get(path).text)
                self._csrf = found[1] if found else ""
        return self._csrf

    def set_up(self) -> Person:
        """A Link Database and Cooking, made by the app."""
        page = {"parent_page": self.notion.page_id}
        assert self.ask("POST", "/api/link-database/make", page).status_code == 201
        assert self.ask("POST", "/api/databases/make", page | {"template": "cooking"}).status_code == 201
        return self

    @property
    def connection_id(self) -> str:
        """The id of the connection that is signed in."""
        return str(self.ask("GET", "/api/connection").json["id"])  # type: ignore[index]
