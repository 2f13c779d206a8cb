"""A storage that doesn't answer is a failure of the table within its timeouts, and what was not written is absent."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator

import pytest

from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.storage.clients import Patience
from svp_dagster.storage.storage import Storage
from tests.storage.servers import GCS, S3, serve_gcs, serve_s3

pytestmark = pytest.mark.slow

KEY = "uploads/an-entry/media.mp4"
SERVERS = {S3: serve_s3, GCS: serve_gcs}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def point(kind: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in (environment if kind == S3 else {"STORAGE_EMULATOR_HOST": url}).items():
        monkeypatch.setenv(name, value)


def failure_of_each_call(storage: Storage) -> set[Code]:
    calls = (
        lambda: storage.write(KEY, io.BytesIO(b"x")),
        lambda: storage.get_bytes(KEY),
        lambda: storage.size(KEY),
        lambda: storage.keys("uploads"),
        lambda: storage.delete("uploads"),
    )
    codes = set()
    for call in calls:
        with pytest.raises(SvpError) as raised:
            call()
        codes.add(raised.value.code)
        assert raised.value.retry is Retry.NOW
    return codes


@pytest.mark.parametrize("kind", [S3, GCS])
def test_a_server_that_stopped(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with SERVERS[kind]() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        storage = Storage(address=server.new_bucket())
        storage.put_bytes(KEY, b"x")
    began_at = time.monotonic()
    assert failure_of_each_call(storage) == {Code.STORAGE_FAILED}
    assert time.monotonic() - began_at < 60


@pytest.mark.parametrize("kind", [S3, GCS])
def test_a_server_that_never_answers(kind: str, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    point(kind, f"http://127.0.0.1:{silent_port}", monkeypatch)
    patience = Patience(read_s=0.3, attempts=2, call_s=2)
    storage = Storage(address=f"{kind.replace('gcs', 'gs')}://bucket", patience=patience)
    began_at = time.monotonic()
    assert failure_of_each_call(storage) == {Code.STORAGE_FAILED}
    assert time.monotonic() - began_at < 60


@pytest.mark.parametrize("kind", [S3, GCS])
def test_nobody_waits_long_for_a_picture_of_a_server_that_never_answers(
    kind: str, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    point(kind, f"http://127.0.0.1:{silent_port}", monkeypatch)
    storage = Storage(address=f"{kind.replace('gcs', 'gs')}://bucket")
    began_at = time.monotonic()
    with pytest.raises(SvpError):
        storage.quick.get_bytes("thumbnails/a.jpg")
    assert time.monotonic() - began_at < 12


@pytest.mark.parametrize("kind", [S3, GCS])
def test_a_bucket_that_is_not_there_takes_nothing(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = request.getfixturevalue(f"{kind}_server")
    point(kind, server.url, monkeypatch)
    with pytest.raises(SvpError) as raised:
        Storage(address=f"{kind.replace('gcs', 'gs')}://nobodys").put_bytes(KEY, b"x")
    assert raised.value.code is Code.STORAGE_FAILED
    assert "key" not in raised.value.sentence
