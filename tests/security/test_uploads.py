"""Uploads of any size, speed and end fill neither memory nor disk, keep nobody waiting and leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from flask import Flask

from oauth_app.serving.deadlines import Deadlines
from svp_dagster.settings import Settings
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store, open_store
from svp_dagster.store.web.callers import Scope
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.oauth_app.videos.sending import END, FORM, UPLOAD, file_part
from tests.security.app_web import AppWeb, app_web, connect, read_all, served

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
BEGINNING = file_part(PNG)
MIB = 1024 * 1024
LIMIT = 250_000_000
SOON_S = 2.0


@dataclass(frozen=True)
class Uploads:
    """The app as it is started, the account that uploads, and all that the installation has on the disk."""

    web: AppWeb
    token: str
    storage: Storage
    store: Store
    folder: Path

    def head(self, *headers: str, token: str | None = None) -> bytes:
        """Return the head of a request."""
        lines = [f"POST {UPLOAD} HTTP/1.1", "Host: a", f"Authorization: Bearer {token or self.token}"]
        return "\r\n".join([*lines, f"Content-Type: {FORM}", *headers, "", ""]).encode()

    @property
    def files(self) -> dict[str, int]:
        """The files of people and the temporary ones, with their sizes."""
        places = (Path(self.storage.address), self.folder / "tmp")
        return {str(path): path.stat().st_size for place in places for path in place.rglob("*") if path.is_file()}

    def memory(self, name: str) -> int:
        """Return what the app's process holds (`VmRSS`), or held at most (`VmHWM`), in bytes."""
        status = Path(f"/proc/{self.web.child.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(f"{name}:"))


@contextlib.contextmanager
def running(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> Iterator[Uploads]:
    """Start the app with an account that has no Notion."""
    (folder / "tmp").mkdir()
    settings = {"DATABASE_URL": database_url, "SVP_HOME": str(folder), "SVP_MAX_SIZE_BYTES": str(LIMIT)} | more
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    now = datetime.now(UTC)
    with app_web(folder, TMPDIR=str(folder / "tmp"), **{n: v for n, v in settings.items() if n != "SVP_HOME"}) as web:
        store = open_store(Settings())
        account = store.connections.of_subject("https://id.example", "ada", issued_at=now, now=now)
        assert account is not None
        _, token = store.web.add_api_token(account.id, name="t", scopes=set(Scope), expires_at=None, now=now)
        yield Uploads(web, token, Storage(address=str(folder / "files")), store, folder)


@pytest.fixture
def uploads(tmp_path: Path, new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploads]:
    """The app as it is started."""
    with running(tmp_path, new_sqlite(), monkeypatch) as started:
        yield started


def begin(uploads: Uploads, length: int) -> socket.socket:
    """Send the head of an upload and the beginning of its file."""
    connection = connect(uploads.web.port)
    connection.sendall(uploads.head(f"Content-Length: {length}", "Connection: close") + BEGINNING)
    return connection


def wait_until(is_so: Callable[[], bool], *, limit_s: float = 10) -> None:
    ends_at = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_200_mb_pass_through_little_memory_and_lie_on_the_disk_once(uploads: Uploads) -> None:
    piece, count = b"x" * MIB, 200
    with begin(uploads, len(BEGINNING) + count * MIB + len(END)) as connection:
        wait_until(lambda: len(uploads.files) == 1)
        before = uploads.memory("VmRSS")
        for number in range(count):
            connection.sendall(piece)
            if number == count // 2:
                assert sum(uploads.files.values()) <= (number + 2) * MIB
        connection.sendall(END)
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 202 "), answer
    assert uploads.memory("VmHWM") - before < 50 * MIB
    (size,) = uploads.files.values()
    assert size == count * MIB + len(PNG)

    job: str = httpx.Response(202, content=answer.partition(b"\r\n\r\n")[2]).json()["job_id"]
    client = httpx.Client(base_url=uploads.web.url, headers={"Authorization": f"Bearer {uploads.token}"}, timeout=60)
    with client, client.stream("GET", f"/api/entries/{job}/media") as media:
        received = 0
        for part in media.iter_raw():
            received += len(part)
            assert len(uploads.files) == 1, "no copy is made of what is sent"
    assert received == size
    assert uploads.memory("VmHWM") - before < 50 * MIB


def test_two_gigabytes_are_refused_before_they_are_sent(uploads: Uploads) -> None:
    with connect(uploads.web.port) as connection:
        connection.sendall(uploads.head("Content-Length: 2000000000", "Expect: 100-continue"))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b"250 MB" in answer
    assert uploads.files == {}


def test_chunks_without_an_end_are_refused_at_the_limit(
    tmp_path: Path, new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
    with running(tmp_path, new_sqlite(), monkeypatch, SVP_MAX_SIZE_BYTES=str(10 * MIB)) as uploads:
        with connect(uploads.web.port) as connection:
            connection.sendall(uploads.head("Transfer-Encoding: chunked"))
            connection.sendall(b"%x\r\n%b\r\n" % (len(BEGINNING), BEGINNING))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(14):
                    connection.sendall(chunk)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")
        assert uploads.files == {}


def test_chunks_with_an_end_are_taken(uploads: Uploads) -> None:
    pieces = iter([BEGINNING, b"x" * MIB, END])
    answer = httpx.post(
        uploads.web.url + UPLOAD,
        content=pieces,
        headers={"Authorization": f"Bearer {uploads.token}", "Content-Type": FORM},
    )
    assert answer.status_code == 202, answer.text


def test_a_client_that_leaves_leaves_nothing(uploads: Uploads) -> None:
    with begin(uploads, 20 * MIB) as connection:
        connection.sendall(b"x" * 10 * MIB)
        wait_until(lambda: sum(uploads.files.values()) > 9 * MIB)
    wait_until(lambda: uploads.files == {})
    assert uploads.store.entries.media_keys() == set()


def test_an_app_that_is_killed_leaves_no_file_that_can_be_read(uploads: Uploads) -> None:
    with begin(uploads, 20 * MIB) as connection:
        connection.sendall(b"x" * 10 * MIB)
        wait_until(lambda: sum(uploads.files.values()) > 9 * MIB)
        os.kill(uploads.web.child.process.pid, signal.SIGKILL)
        uploads.web.child.process.wait(10)
    assert uploads.storage.keys("uploads") == []
    assert uploads.store.entries.media_keys() == set()
    assert uploads.storage.sweep_unfinished(timedelta(0)) == 1
    assert uploads.files == {}


def test_uploads_that_stall_keep_nobody_waiting(
    tmp_path: Path, new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, new_sqlite(), monkeypatch, SVP_APP_THREADS="1") as uploads, contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(begin(uploads, 20 * MIB))
        time.sleep(0.5)
        assert max(uploads.web.health_s() for _ in range(3)) < SOON_S
        mine = {"Authorization": f"Bearer {uploads.token}"}
        assert httpx.get(f"{uploads.web.url}/api/v1/videos/jobs", headers=mine).status_code == 200


def test_a_strangers_file_is_not_waited_for(uploads: Uploads) -> None:
    with connect(uploads.web.port) as connection:
        connection.sendall(uploads.head("Content-Length: 100000000", token="svp_wrong"))
        began = time.monotonic()
        answer = connection.recv(65_536)
        assert time.monotonic() - began < SOON_S
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer.lower()
    assert uploads.files == {}


@pytest.fixture
def token(ada: Person) -> str:
    """A token of someone of the app in this process."""
    return make_token(ada)


def slow_head(token: str, length: int) -> bytes:
    lines = (f"POST {UPLOAD} HTTP/1.1", "Host: a", f"Authorization: Bearer {token}", f"Content-Type: {FORM}")
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def test_an_upload_that_is_slow_and_steady_arrives(app: Flask, token: str) -> None:
    piece, count = b"x" * 70_000, 5
    with served(app, deadlines=Deadlines(body_s=0.5, progress_s=1)) as port, connect(port) as connection:
        connection.sendall(slow_head(token, len(BEGINNING) + count * len(piece) + len(END)) + BEGINNING)
        for _ in range(count):
            time.sleep(0.5)
            connection.sendall(piece)
        connection.sendall(END)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 202 ")


def test_an_upload_that_stalls_ends_however_often_a_byte_comes(app: Flask, token: str) -> None:
    with served(app, deadlines=Deadlines(progress_s=1, linger_s=0.2)) as port, connect(port) as connection:
        connection.sendall(slow_head(token, 10 * MIB) + BEGINNING)
        began = time.monotonic()
        connection.settimeout(0.1)
        answer = b""
        while not answer and time.monotonic() - began < 10:
            with contextlib.suppress(TimeoutError):
                connection.sendall(b"x")
                answer = connection.recv(65_536)
        assert time.monotonic() - began < 4
    assert answer.startswith(b"HTTP/1.1 408 ")
