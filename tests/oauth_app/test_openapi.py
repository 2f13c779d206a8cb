"""The API against its own description: whatever is sent, no failure of ours, and answers as described."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings

from oauth_app.app import create_app
from oauth_app.description import spec
from oauth_app.security import limiter
from tests.oauth_app.conftest import store_of
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.resources.notion_sandbox import NotionSandbox

EXAMPLES = 12


@pytest.fixture
def token(ada: Person) -> str:
    """A personal API token of someone who is set up."""
    return make_token(ada)


@pytest.fixture
def description(app: Flask) -> Any:
    """The description as it is served."""
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


def test_the_description_names_every_operation_and_no_page(app: Flask) -> None:
    document: Any = app.test_client().get("/openapi.json").json
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/api/", "/webhooks/", "/health", "/ready"))
    }
    assert described == served
    assert len(described) > 15


def test_whatever_is_sent_the_answer_is_as_described(description: Any, token: str) -> None:
    pass
