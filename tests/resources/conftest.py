"""A stand-in for Notion for the modules that ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from svp_dagster.resources.notion import Workspace
from tests.resources.notion_sandbox import (
    NotionSandbox,
    RunningNotion,
    running_notion,
)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningNotion]:
    with running_notion() as made:
        yield made


@pytest.fixture
def notion(running: RunningNotion) -> Iterator[NotionSandbox]:
    with running.fresh_workspace() as made:
        yield made


@pytest.fixture
def workspace(notion: NotionSandbox) -> Workspace:
    return notion.workspace()
