"""The app beside a running stand-in for Notion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from oauth_app.app import create_app
from oauth_app.security import limiter
from oauth_app.services import Services
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox
from tests.oauth_app.people import Person


@pytest.fixture
def app_database(new_sqlite: Callable[[], str]) -> str:
    """The app's database: SQLite, where a test module doesn't ask for both kinds."""
    return new_sqlite()


@pytest.fixture
def environment(
    notion: NotionSandbox, app_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """The settings of an installation that talks to the stand-in; Dagster's web server doesn't answer."""
    for name, value in {
        "SVP_HOME": str(tmp_path / "home"),
        "DATABASE_URL": app_database,
        "NOTION_BASE_URL": notion.url,
        "NOTION_CLIENT_ID": CLIENT[0],
        "NOTION_CLIENT_SECRET": CLIENT[1],
        "SVP_APP_URL": "http://localhost",
        "SVP_DAGSTER_PORT": "9",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Where templates are compiled to, once for all tests."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(environment: pytest.MonkeyPatch, compiled_templates: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The app, without limits (they have tests of their own)."""
    made = create_app()
    made.jinja_env.bytecode_cache = compiled_templates
    limiter.enabled = False
    yield made
    limiter.enabled = True
    store_of(made).engine.dispose()


@pytest.fixture
def store(app: Flask) -> Store:
    """The app's store."""
    return store_of(app)


@pytest.fixture
def person(app: Flask, notion: NotionSandbox) -> Person:
    """Someone who hasn't signed in."""
    return Person(app, notion)


@pytest.fixture
def ada(person: Person) -> Person:
    """Someone who has a Link Database and Cooking."""
    return person.sign_in().set_up()


def store_of(app: Flask) -> Store:
    """The store that an app works with."""
    services: Services = app.extensions["svp"]
    return services.store
