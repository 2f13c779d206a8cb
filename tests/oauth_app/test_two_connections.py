"""Two connections side by side: nothing of the one is shown to, or changed by, the other. Every route is walked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from svp_dagster.errors import Code, failure
from svp_dagster.library.files import write_files
from svp_dagster.models import PaidCall
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.store import Store
from svp_dagster.store.web.callers import Scope
from tests.library.outcomes import outcome
from tests.notion.client.notion_sandbox import NotionSandbox, RunningNotion
from tests.oauth_app.identity_provider import BEA, ISSUER, SECRET, by_secret
from tests.oauth_app.people import Person
from tests.oauth_app.videos.sending import upload

SECRET_WORD = "Kestrel"
"""In the names of all that the owner has."""
VIDEO = "https://www.tiktok.com/@kestrel/video/7300000000000000001"
OPEN_TO_ALL = {"static"}
ENDS_THE_SESSION = {
    "sign_in.sign_out",
    "sign_in.sign_out_everywhere",
    "sign_in.disconnect",
    "my_data.delete",
    "api_my_data.delete",
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Owned:
    """Ids of the owner's things, by the name that routes have for them."""

    page_id: str
    entry_id: str
    database_id: str
    token_id: str
    job_id: str


@pytest.fixture
def app_database(database_url: str) -> str:
    """Both kinds: every route is walked on each."""
    return database_url


@pytest.fixture
def environment(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An installation with an identity provider."""
    environment.setenv("SVP_JWT_SECRET", SECRET)
    environment.setenv("SVP_JWT_ISSUER", ISSUER)
    return environment


@pytest.fixture
def stranger(app: Flask, running: RunningNotion, notion: NotionSandbox) -> Person:
    """Someone in another workspace, with databases of their own."""
    with running.fresh_workspace() as other:
        return Person(app, other).sign_in().set_up()


@pytest.fixture
def owned(ada: Person, store: Store) -> Owned:
    """What Ada has: a failed link, an upload in the library, Kestrel's Content Database, an API token."""
    source = ada.notion.data_source({"steps": {"rich_text": {}}}, title=f"{SECRET_WORD} recipes")
    asked = {"tag": f"{SECRET_WORD}-tag", "database": source, "prompt": f"{SECRET_WORD} prompt"}
    database: Any = ada.ask("POST", "/api/databases/register", asked).json
    entry: Any = ada.ask("POST", "/api/entries", {"url": VIDEO, "tag": f"{SECRET_WORD}-tag"}).json
    run_id = f"{SECRET_WORD}-run"
    store.entries.claim(entry["id"], run_id, may_take_over=lambda _: False, now=NOW)
    store.entries.note(
        entry["id"], run_id, stage="download", seconds=1, title=f"{SECRET_WORD} title", media_key="tiktok:1"
    )
    Thumbnails(storage=storage(Settings())).put("tiktok:1", b"\xff\xd8Kestrel")
    store.entries.fail(entry["id"], run_id, failure_rule(failure(Code.GONE)), now=NOW)
    call = PaidCall(service="speech", model=SECRET_WORD, units=1, unit="seconds", cost_usd=77.77)
    store.ledger.add(call, connection_id=ada.connection_id, page_id=entry["id"], run_id=run_id, now=datetime.now(UTC))
    ada.submit("/settings", output_language=SECRET_WORD)
    name = f"{SECRET_WORD} phone"
    token, _ = store.web.add_api_token(ada.connection_id, name=name, scopes=set(Scope), expires_at=None, now=NOW)
    return Owned(
        page_id=entry["id"],
        entry_id=entry["id"],
        database_id=database["id"],
        token_id=token.id,
        job_id=processed_upload(ada, store),
    )


def processed_upload(person: Person, store: Store) -> str:
    """Upload a file. Return its entry, which has an outcome and files in the storage."""
    job_id, run_id = upload(person, filename=f"{SECRET_WORD}.mp4"), f"{SECRET_WORD}-upload"
    store.entries.claim(job_id, run_id, may_take_over=lambda _: False, now=NOW)
    made = outcome(title=f"{SECRET_WORD} soup", description=SECRET_WORD)
    write_files(storage(Settings()), job_id, store.library.keep(job_id, run_id, made, now=NOW), sheet=None)
    return job_id


def test_no_route_shows_or_changes_what_is_anothers(
    app: Flask, store: Store, ada: Person, stranger: Person, owned: Owned
) -> None:
    before = everything_of(store, ada.connection_id)
    at_notion = [ada.notion.ledger(source) for source in sources_of(store, ada.connection_id)]
    walked = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN_TO_ALL | ENDS_THE_SESSION:
            continue
        for method in sorted(rule.methods or ()):
            for ids in both_entries(owned) if rule.arguments else (owned,):
                answer = visit(stranger, rule, method, ids)
                walked += 1
                require_nothing_shown(answer, method, rule)
                if rule.arguments:
                    is_refused = answer.status_code in (302, 404) or method == "OPTIONS"
                    assert is_refused, f"{method} {rule}: {answer.status_code}"
    assert walked > 60
    assert found_by(stranger.ask("GET", f"/api/entries?q={SECRET_WORD}")) == 0
    assert found_by(ada.ask("GET", f"/api/entries?q={SECRET_WORD}")) == 1
    assert everything_of(store, ada.connection_id) == before
    assert [ada.notion.ledger(source) for source in sources_of(store, ada.connection_id)] == at_notion


def test_no_operation_shows_or_changes_anothers_things_to_a_person_of_the_identity_provider(
    app: Flask, store: Store, ada: Person, owned: Owned
) -> None:
    before, walked = everything_of(store, ada.connection_id), 0
    bea = {"Authorization": f"Bearer {by_secret(BEA)}"}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/") or rule.endpoint in ENDS_THE_SESSION:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            for ids in both_entries(owned) if rule.arguments else (owned,):
                path, body = path_and_body(rule, method, ids)
                answer = app.test_client().open(path, method=method, json=body, headers=bea)
                walked += 1
                require_nothing_shown(answer, method, rule)
                assert not rule.arguments or answer.status_code == 404, f"{method} {rule}: {answer.status_code}"
    assert walked > 60
    assert everything_of(store, ada.connection_id) == before


def test_a_tag_may_be_the_same_in_two_connections(ada: Person, stranger: Person) -> None:
    for person in (ada, stranger):
        found: Any = person.ask("GET", "/api/databases").json
        assert [database["tag"] for database in found["databases"]] == ["cooking"]


def test_a_connection_sees_its_own_pages_and_databases_to_choose_from(
    ada: Person, stranger: Person, owned: Owned
) -> None:
    assert SECRET_WORD in ada.see("/databases/new")
    assert SECRET_WORD not in stranger.see("/databases/new")


def both_entries(owned: Owned) -> tuple[Owned, ...]:
    """Return the ids with each of the two entries: the link and the upload."""
    return owned, replace(owned, page_id=owned.job_id, entry_id=owned.job_id)


def require_nothing_shown(answer: TestResponse, method: str, rule: Rule) -> None:
    assert answer.status_code < 500 or rule.endpoint == "health.ready", f"{method} {rule}: {answer.text}"
    for word in (SECRET_WORD, "77.77"):
        assert word.encode() not in answer.data, f"{method} {rule} shows {word}"


def found_by(answer: TestResponse) -> int:
    found: Any = answer.json
    return int(found["total"])


def visit(person: Person, rule: Rule, method: str, owned: Owned) -> TestResponse:
    """Call a route with the owner's ids, and with a body that would be taken."""
    path, body = path_and_body(rule, method, owned)
    if path.startswith("/api"):
        return person.ask(method, path, body)
    if method == "POST":
        return person.submit(path, **body)
    return person.client.open(path, method=method)


def path_and_body(rule: Rule, method: str, owned: Owned) -> tuple[str, dict[str, str]]:
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<{name}>", getattr(owned, name))
    body = {
        "tag": "stolen",
        "prompt": "stolen",
        "url": VIDEO,
        "database": owned.database_id,
        "parent_page": owned.page_id,
        "template": "places",
        "name": "stolen",
    }
    if path.startswith("/api"):
        allowed = {"PATCH": ("tag", "prompt"), "POST": fields_of(path)}.get(method, ())
        return path, {name: body[name] for name in allowed}
    return path, body


def fields_of(path: str) -> tuple[str, ...]:
    return {
        "/api/entries": ("url", "tag"),
        "/api/databases/register": ("tag", "database"),
        "/api/databases/make": ("template", "parent_page"),
        "/api/link-database/register": ("database",),
        "/api/link-database/make": ("parent_page",),
    }.get(path, ())


def sources_of(store: Store, connection_id: str) -> list[str]:
    databases = store.databases.content_databases(connection_id)
    link_database = store.databases.link_database(connection_id)
    assert link_database is not None
    return [link_database.data_source_id, *(database.data_source_id for database in databases)]


def everything_of(store: Store, connection_id: str) -> list[Any]:
    """All rows of a connection in all tables."""
    tables = ("link_databases", "content_databases", "link_entries", "ledger", "api_tokens")
    with store.engine.connect() as connection:
        rows = [
            connection.execute(
                text(f"SELECT * FROM {table} WHERE connection_id = :id ORDER BY 1"), {"id": connection_id}
            ).all()
            for table in tables
        ]
        rows.append(connection.execute(text("SELECT * FROM connections WHERE id = :id"), {"id": connection_id}).all())
    assert all(rows)
    return rows
