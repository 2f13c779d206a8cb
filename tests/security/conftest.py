"""The app beside a stand-in for Notion, and the Dagster UI on a socket: as on one's own machine, and in production."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from svp_dagster.store.crypto import new_key
from tests.browser.conftest import site as app_site  # noqa: F401 (a fixture)
from tests.oauth_app.conftest import (  # noqa: F401 (fixtures)
    ada,
    app,
    app_database,
    compiled_templates,
    environment,
    person,
    store,
)
from tests.security.dagster_web import DagsterWeb, dagster_web

OPERATOR_KEY = new_key()


@pytest.fixture(scope="package")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterWeb]:
    """On one's own machine."""
    with dagster_web(tmp_path_factory.mktemp("local")) as started:
        yield started


@pytest.fixture(scope="package")
def production_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterWeb]:
    """In production: the operator has to sign in."""
    credentials = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    settings = {"SVP_PRODUCTION": "true", "SVP_OPERATOR_KEY": OPERATOR_KEY}
    with dagster_web(tmp_path_factory.mktemp("production"), credentials=credentials, settings=settings) as started:
        yield started
