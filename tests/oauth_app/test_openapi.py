"""The API against its own description: whatever is sent, no failure of ours, and answers as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import given, settings
from hypothesis.strategies import one_of
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from svp_dagster.store.store import Store
from tests.oauth_app.dagster_stand_in import dagster
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.oauth_app.videos.sending import upload

EXAMPLES = 12
BEYOND_A_SCHEMA = [positive_data_acceptance]
"""A link may fit the schema and lead nowhere: refusing it is right."""


@pytest.fixture
def environment(environment: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An installation in which all is ready."""
    with dagster() as url:
        environment.setenv("SVP_DAGSTER_URL", url)
        yield environment


@pytest.fixture
def token(ada: Person) -> str:
    """A personal API token of someone who is set up."""
    return make_token(ada)


def test_whatever_is_sent_the_answer_is_as_described(app: Flask, ada: Person, store: Store, token: str) -> None:
    description = schemathesis.openapi.from_wsgi("/openapi.json", app)
    checked = 0
    for found in description.get_all_operations():
        assert isinstance(found, Ok)
        check_operation(found.ok(), ada, store, token)
        checked += 1
    assert checked > 15


def check_operation(operation: Any, person: Person, store: Store, token: str) -> None:
    """Send what fits the description and what doesn't, to made-up ids and to real ones."""
    headers = {"Authorization": f"Bearer {token}"}
    cases = [operation.as_strategy()]
    if operation.body or operation.query or operation.path_parameters:
        cases.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))

    @settings(max_examples=EXAMPLES)
    @given(case=one_of(cases))
    def check(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=BEYOND_A_SCHEMA)
        if case.path_parameters:
            real = real_ids(person, store)
            case.path_parameters = {name: real[name] for name in case.path_parameters}
            case.call_and_validate(headers=headers, excluded_checks=BEYOND_A_SCHEMA)

    check()


def real_ids(person: Person, store: Store) -> dict[str, str]:
    """Ids of things that are there, made again where an example removed them."""
    connection_id, page = person.connection_id, {"parent_page": person.notion.page_id}
    if not store.databases.content_databases(connection_id):
        person.ask("POST", "/api/databases/make", page | {"template": "cooking"})
    (database, *_) = store.databases.content_databases(connection_id)
    if not store.entries.page(connection_id, offset=0, limit=1)[1]:
        url = "https://www.tiktok.com/@ada/video/7300000000000000001"
        person.ask("POST", "/api/entries", {"url": url, "tag": database.tag})
    (entry, *_), _ = store.entries.page(connection_id, offset=0, limit=1)
    if not store.uploads.page(connection_id, statuses=None, offset=0, limit=1)[1]:
        upload(person)
    (job, *_), _ = store.uploads.page(connection_id, statuses=None, offset=0, limit=1)
    return {"database_id": database.id, "entry_id": entry.link.page_id, "job_id": job.link.page_id}


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
