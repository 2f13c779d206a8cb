"""A backup, the loss of everything, and a restore: no row is lost, nothing that was done is done again.

On PostgreSQL by the scripts that docs/deploying.md names. On SQLite, which lies in the home folder, by a copy of that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import text, update

from benchmarks.rig import Rig, rig, wait_until
from svp_dagster.defs import runs
from svp_dagster.library.files import TEXT, read_file
from svp_dagster.store.engine import dispose_process_engines
from svp_dagster.store.tables import LinkEntryRow
from tests.deploy.scripts import database_scripts
from tests.postgres import PostgresServer

pytestmark = pytest.mark.timeout(900)

END_LIMIT_S = 240.0
NIGHT = timedelta(hours=8)
USUAL_POST, BUSY_POST, SLOW_POST = "pancakes", "pasta", "cafe"


class Backup(ABC):
    """A kind of database, and how it is saved, lost and restored."""

    @abstractmethod
    def make(self) -> None:
        """Save it."""

    @abstractmethod
    def lose(self) -> None:
        """Destroy it with all of the home folder."""

    @abstractmethod
    def restore(self) -> None:
        """Put what was saved in its place."""


class HomeCopy(Backup):
    """The home folder is copied while nothing runs: it holds the databases, the files and the keys."""

    def __init__(self, home: Path, kept: Path) -> None:
        self._home, self._kept = home, kept

    def make(self) -> None:
        """Copy the folder."""
        shutil.copytree(self._home, self._kept)

    def lose(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._home)

    def restore(self) -> None:
        """Copy it back."""
        shutil.copytree(self._kept, self._home)


class Dump(Backup):
    """A dump by `deploy/backup.sh` and an archive of the files; the encryption key is kept apart from both."""

    def __init__(self, url: str, server: PostgresServer, home: Path, kept: Path) -> None:
        self._url, self._home, self._kept = url, home, kept
        self._script = database_scripts(url, server, kept)
        self._files = kept.with_name("files.tar")
        self._key = (home / "encryption.key").read_text()

    def make(self) -> None:
        """Dump the database, and archive the files."""
        made = self._script("backup.sh")
        assert made.returncode == 0, made.stderr
        with self._files.open("wb") as archive:
            subprocess.run(["tar", "-C", self._home, "-cf", "-", "files"], stdout=archive, check=True, timeout=60)

    def lose(self) -> None:
        """Drop every table and remove the folder."""
        with closing(psycopg2.connect(self._url)) as connection:
            connection.cursor().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.commit()
        shutil.rmtree(self._home)

    def restore(self) -> None:
        """Restore the dump and the files, and hand in the key."""
        (dump,) = self._kept.iterdir()
        restored = self._script("restore.sh", dump, "--yes")
        assert restored.returncode == 0, restored.stderr
        (self._home / "logs").mkdir(parents=True)  # the rig's, which has them there from its start
        with self._files.open("rb") as archive:
            subprocess.run(["tar", "-C", self._home, "-xf", "-"], stdin=archive, check=True, timeout=60)
        os.environ["SVP_ENCRYPTION_KEYS"] = self._key.strip()


Made = tuple[Rig, Backup]


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """An installation, and the way in which its data are saved."""
    kept: Callable[[Path], Backup]
    if request.param == "sqlite":
        url, kept = None, partial(HomeCopy, kept=tmp_path / "kept")
    else:
        server: PostgresServer = request.getfixturevalue("own_postgres")
        url = server.new_database()
        kept = partial(_dump, url, server, tmp_path / "kept")
    with rig(tmp_path / "rig", database_url=url) as installation:
        yield installation, kept(Path(installation.environment["SVP_HOME"]))


def _dump(url: str, server: PostgresServer, kept: Path, home: Path) -> Backup:
    return Dump(url, server, home, kept)


def test_after_a_total_loss_each_row_has_its_one_page_and_nothing_that_was_done_is_done_again(made: Made) -> None:
    rig, backup = made
    done = start(rig, USUAL_POST)
    rig.wait_for_end(done, limit_s=END_LIMIT_S)
    hold(rig, BUSY_POST)
    busy = start(rig, BUSY_POST)
    wait_until(lambda: is_held(rig) or None, limit_s=END_LIMIT_S, what="the run that is cut off")
    rig.cut_power()
    done_later = rig.installation.add_row(link(rig, USUAL_POST))
    pending = rig.installation.add_row(link(rig, SLOW_POST))
    tokens, words = rig.store.connections.tokens(rig.installation.connection_id), read_file(rig.files, done, TEXT)
    dispose_process_engines()  # nothing may have the database open, not even this process
    backup.make()

    rig.outside.media.forget("faults")
    hold(rig, SLOW_POST)
    rig.power_up()
    new = start(rig, USUAL_POST)
    for page_id in (busy, done_later, new):
        rig.wait_for_end(page_id, limit_s=END_LIMIT_S)
    rig.cut_power()
    dispose_process_engines()
    backup.lose()

    rig.outside.media.forget("faults")
    backup.restore()
    let_the_night_pass(rig)
    restored_at = datetime.now(UTC)
    rig.environment["SVP_ENCRYPTION_KEYS"] = os.environ.get("SVP_ENCRYPTION_KEYS", "")
    rig.power_up()
    ended = {page_id: rig.wait_for_end(page_id, limit_s=END_LIMIT_S) for page_id in (done, busy, done_later, pending)}

    assert rig.store.connections.tokens(rig.installation.connection_id) == tokens
    assert words
    assert read_file(rig.files, done, TEXT) == words
    assert {str(entry.status) for entry in ended.values()} == {"completed"}
    assert {rig.row_status(page_id) for page_id in (*ended, new)} == {"completed"}
    assert rig.store.entries.get(new) is None
    pages = {page["id"] for page in rig.pages(rig.content_source_id)}
    assert len(pages) == len(ended) + 1
    assert {entry.content_page_id for entry in ended.values()} < pages
    assert len({entry.content_page_id for entry in ended.values()}) == len(ended)
    assert started_since(rig, restored_at) == {ended[busy].partition_key, ended[pending].partition_key}


def start(rig: Rig, post: str) -> str:
    """Add a row that the sensor sees at its next tick."""
    page_id = rig.add_row(link(rig, post))
    rig.poll_now()
    return page_id


def hold(rig: Rig, post: str) -> None:
    """Hold the runs that download this post's copies."""
    rig.outside.media.steer("faults", path=rf"/media/{post}\.mp4", delay_s=3 * END_LIMIT_S, times=None)


def is_held(rig: Rig) -> bool:
    """Whether a run is held."""
    return any(each["injected"] for each in rig.outside.media.ask("faults")["faults"])


def started_since(rig: Rig, at: datetime) -> set[str]:
    """Return the partitions that got a run."""
    return {
        run.tags[runs.PARTITION_TAG]
        for run in rig.instance.get_runs()
        if (record := rig.instance.get_run_record_by_id(run.run_id)) and record.create_timestamp >= at
    }


def let_the_night_pass(rig: Rig) -> None:
    """What a dump of last night says is hours old: the rows, and the runs that it says are going on.

    On SQLite the home folder is the old one, so that a start knows those runs as its own and ends them.
    """
    with rig.store.engine.begin() as connection:
        connection.execute(update(LinkEntryRow).values(updated_at=datetime.now(UTC) - NIGHT))
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("UPDATE runs SET start_time = start_time - :night"), {"night": NIGHT.total_seconds()}
            )


def link(rig: Rig, post: str) -> str:
    (link,) = rig.outside.media.steer("copies", post=post, count=1)["links"]
    return str(link)
