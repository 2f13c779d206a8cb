"""A process that is killed while it writes leaves nothing at the key, and nothing at all after the sweep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from svp_dagster.storage.storage import Storage

KEY = "uploads/an-entry/media.mp4"
WRITER = """
import io, sys, time
from svp_dagster.storage.storage import Storage

class Endless(io.RawIOBase):
    given = 0
    def read(self, size=-1):
        self.given += size
        if self.given > 40 * 1024 * 1024:
            print("half", flush=True)
            time.sleep(60)
        return bytes(size)

Storage(address=sys.argv[1]).write(sys.argv[2], Endless())
"""


@contextmanager
def writer_that_is_killed(storage: Storage) -> Iterator[None]:
    """Let another process write 40 MB of a file that isn't complete, and kill it."""
    command = [sys.executable, "-c", WRITER, storage.address, KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        yield
        process.send_signal(signal.SIGKILL)
        process.wait(30)


@pytest.fixture
def killed(storage: Storage) -> Storage:
    """A storage with what a killed writer left."""
    with writer_that_is_killed(storage):
        assert storage.size(KEY) is None
    return storage


def test_nothing_is_at_the_key(killed: Storage) -> None:
    assert killed.size(KEY) is None
    assert killed.get_bytes(KEY) is None
    assert killed.keys("uploads") == []
    killed.put_bytes(KEY, b"the next")
    assert killed.get_bytes(KEY) == b"the next"


def test_the_sweep_removes_what_is_old_and_no_file_that_is_complete(killed: Storage) -> None:
    killed.put_bytes("uploads/another/media.mp4", b"complete")
    if not killed.address.startswith("s3://"):  # moto says of every upload that it began in 2010
        assert killed.sweep_unfinished(timedelta(days=1)) == 0
    left = 0 if killed.address.startswith("gs://") else 1  # Google's end by themselves
    assert killed.sweep_unfinished(timedelta(seconds=-5)) == left
    assert killed.sweep_unfinished(timedelta(seconds=-5)) == 0
    assert killed.get_bytes("uploads/another/media.mp4") == b"complete"


def test_the_sweep_aborts_nothing_of_another_prefix(s3: Storage) -> None:
    with writer_that_is_killed(s3):
        pass
    other = Storage(address=f"{s3.address}-of-another-installation")
    assert other.sweep_unfinished(timedelta(seconds=-5)) == 0
    assert Storage(address=s3.address.rpartition("/some")[0]).sweep_unfinished(timedelta(seconds=-5)) == 1


def test_what_is_unfinished_is_for_this_user_alone(folder: Storage) -> None:
    with writer_that_is_killed(folder):
        pass
    (left,) = Path(folder.address, ".unfinished").iterdir()
    assert left.stat().st_mode & 0o777 == 0o600
    assert left.parent.stat().st_mode & 0o777 == 0o700
