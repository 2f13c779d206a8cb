from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import make_engine
from svp_dagster.store.store import Store


@pytest.fixture
def new_sqlite_store(new_sqlite: Callable[[], str]) -> Iterator[tuple[Store, Path]]:
    """A store on SQLite, and its file."""
    url = new_sqlite()
    opened = Store(make_engine(url), TokenCipher(new_key()))
    yield opened, Path(make_url(url).database or "")
    opened.engine.dispose()
