"""An installation for each test. Its module takes the sites too: `pytest_plugins = ("tests.media_site",)`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sandbox.media.server import MediaSandbox
from tests.defs.installation import Installation, hold_against_description, set_up
from tests.sandbox.notion_service import NotionService, notion_service


@pytest.fixture
def notion_server() -> Iterator[NotionService]:
    """A Notion of its own."""
    with notion_service() as service:
        yield service


@pytest.fixture
def installation(
    tmp_path: Path, site: MediaSandbox, notion_server: NotionService, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A fresh installation, its engines those that need no key."""
    with notion_server.workspace("Kitchen") as workspace, dg.DagsterInstance.ephemeral() as instance:
        for name, value in {
            "SVP_HOME": str(tmp_path / "home"),
            "NOTION_BASE_URL": notion_server.url,
            "SVP_EGRESS_PROXY": site.proxy_url,
            "SVP_LOCAL_SPEECH_MODEL": str(tmp_path / "no model"),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("svp_dagster.rows.polling_rules.WAIT_S", 0.0)  # a test's tick waits for nothing
        yield set_up(workspace, instance)
        hold_against_description(notion_server.http.get("/_sandbox/requests").json()["requests"])
