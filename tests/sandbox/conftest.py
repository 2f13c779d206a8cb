"""One stand-in for Notion for all tests that need no other, and a fresh workspace for each of them."""

from collections.abc import Iterator

import pytest

from tests.sandbox.notion_service import NotionService, NotionWorkspace, notion_service


@pytest.fixture(scope="session")
def notion() -> Iterator[NotionService]:
    """A stand-in with the usual options."""
    with notion_service() as service:
        yield service


@pytest.fixture
def workspace(notion: NotionService) -> Iterator[NotionWorkspace]:
    """A workspace that nobody else uses."""
    with notion.workspace() as made:
        yield made
