"""The three kinds of storage, each real: a folder, moto's server for S3, and an emulator of Cloud Storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from svp_dagster.storage.storage import Storage
from tests.storage.servers import GCS, S3, Server, serve_gcs, serve_s3

KINDS = ("folder", S3, GCS)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    """One server that speaks as S3 does, for all tests that ask for it."""
    with serve_s3() as server:
        yield server


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[Server]:
    """One server that speaks as Cloud Storage does, for all tests that ask for it."""
    with serve_gcs() as server:
        yield server


@pytest.fixture
def new_storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Storage]:
    """Gives an empty storage of a kind."""

    def make(kind: str) -> Storage:
        if kind == "folder":
            return Storage(address=str(tmp_path / "home" / "files"))
        server: Server = request.getfixturevalue(f"{kind}_server")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return Storage(address=f"{server.new_bucket()}/some/prefix")

    return make


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, new_storage: Callable[[str], Storage]) -> Storage:
    """An empty storage: each test that asks for it runs on all three kinds."""
    return new_storage(request.param)


@pytest.fixture
def s3(new_storage: Callable[[str], Storage]) -> Storage:
    """An empty storage in a bucket of S3."""
    return new_storage(S3)


@pytest.fixture
def gcs(new_storage: Callable[[str], Storage]) -> Storage:
    """An empty storage in a bucket of Cloud Storage."""
    return new_storage(GCS)


@pytest.fixture
def folder(new_storage: Callable[[str], Storage]) -> Storage:
    """An empty storage in a folder."""
    return new_storage("folder")
