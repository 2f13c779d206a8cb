"""A whole installation for benchmarks that break things: stand-ins, store and Dagster's daemon as real processes.

As `svp up` starts it, but without Dagster's web server, which no row needs: the daemon, its code server and a process
for each run, and the app once something is uploaded. The store and Dagster's storage are SQLite files, or the
PostgreSQL that is handed in.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import dagster as dg
import httpx
import yaml
from sqlalchemy import select, update

from benchmarks.installation import TAG, Installation, set_up
from benchmarks.stand_ins import StandIns, stand_ins
from svp_dagster.commands import up
from svp_dagster.commands.processes import Child, Processes, answers, free_port, running
from svp_dagster.models import JsonObject, Status
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.storage import Storage
from svp_dagster.store.entries import Entry
from svp_dagster.store.installation.addresses import Address
from svp_dagster.store.store import Store
from svp_dagster.store.tables import LedgerRow, LinkEntryRow, PlatformRow
from svp_dagster.store.web.callers import Scope

POLL_INTERVAL_S = 5
MONITORING_INTERVAL_S = 3
"""How often Dagster looks for runs whose process is gone; 15 s in an installation."""
LOOK_S = 0.1
APP_START_S = 60.0
UPLOAD_S = 60.0
WORDS_SHOWN = ["Banana Oat Pancakes", "You need", "2 ripe bananas", "2 eggs", "80 g oats", "1 tsp cinnamon"]

_PREPARE = """
from svp_dagster.commands.up import prepare
from svp_dagster.settings import Settings
prepare(Settings())
"""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Payment:
    """A paid call as the store knows it: for which service and which video."""

    service: str
    media_key: str


class TooLate(Exception):
    """What was waited for didn't come in time."""


@dataclass
class Rig:
    """A running installation with one connection, whose Content Database has the tag `TAG`.

    `environment` is what its processes get, whatever becomes of this one's. `files` is their storage.
    """

    outside: StandIns
    installation: Installation
    processes: Processes
    environment: dict[str, str]
    files: Storage
    daemon: Child
    settings: Settings

    @cached_property
    def api(self) -> httpx.Client:
        """A client of the app that speaks for the connection. The app starts with its first use."""
        return _start_app(self.processes, self.environment, self.installation)

    @property
    def store(self) -> Store:
        """The installation's store."""
        return self.installation.rows.store

    @property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's records."""
        return self.installation.instance

    def add_row(self, url: str, *, tag: str = TAG) -> str:
        """Add a pending row as a person does, and return its page id. Nothing is asked to look at it yet."""
        return self.installation.write_row(url, tag=tag)

    def upload(self, name: str, content: bytes, *, tag: str = "") -> str:
        """Upload a file as a script does, and return the id of its entry."""
        form = {"tag": tag} if tag else {}
        answer = self.api.post("/api/v1/videos/upload", files={"file": (name, content)}, data=form)
        answer.raise_for_status()
        return str(answer.json()["job_id"])

    def poll_now(self) -> None:
        """Let the sensor read the pending rows at its next tick."""
        self.installation.poll_now()

    def let_time_pass(self) -> None:
        """Rows that wait have waited long enough, throttled addresses have rested, and canaries are due.

        Hours are not sat out.
        """
        now = datetime.now(UTC)
        waits_no_more = now - timedelta(seconds=1)
        with self.store.engine.begin() as connection:
            connection.execute(
                update(LinkEntryRow)
                .where(LinkEntryRow.status == Status.PENDING, LinkEntryRow.retry_at > now)
                .values(retry_at=waits_no_more)
            )
            connection.execute(
                update(PlatformRow)
                .where(PlatformRow.paused_since.is_not(None), PlatformRow.canary_at > now)
                .values(canary_at=waits_no_more)
            )
        for address in self.store.addresses.all():
            if address.rests_until is not None and address.rests_until > now:
                self.store.addresses.change([address.name], partial(_rested, since=waits_no_more), now=now)
        self.poll_now()

    def entries(self, page_ids: Iterable[str]) -> dict[str, Entry]:
        """What the store knows of the rows."""
        return self.store.entries.known(page_ids)

    def wait_for_end(self, page_id: str, *, limit_s: float) -> Entry:
        """The row's entry, once it is final and Notion was told. Raises `TooLate`."""

        def ended() -> Entry | None:
            entry = self.store.entries.get(page_id)
            return entry if entry is not None and entry.status.is_final and not entry.is_unsynced else None

        return wait_until(ended, limit_s=limit_s, what=f"the end of row {page_id}")

    def row_status(self, page_id: str) -> str:
        """The status that the row shows in Notion."""
        pages = self.pages(self.installation.links.data_source_id)
        return next((str(page["properties"]["status"]) for page in pages if page["id"] == page_id), "gone")

    def pages(self, data_source_id: str) -> list[JsonObject]:
        """Every page ever made in a database, as the stand-in for Notion tells."""
        found: list[JsonObject] = self.outside.notion.ask(f"pages?data_source_id={data_source_id}")["pages"]
        return found

    def ledger(self) -> list[Payment]:
        """Every payment in the store's ledger."""
        query = select(LedgerRow.service, LinkEntryRow.media_key).join(
            LinkEntryRow, LinkEntryRow.page_id == LedgerRow.page_id
        )
        with self.store.engine.connect() as connection:
            return [Payment(service=service, media_key=key or "") for service, key in connection.execute(query)]

    @property
    def content_source_id(self) -> str:
        """The Content Database."""
        database = self.store.databases.for_tag(self.installation.connection_id, TAG)
        assert database is not None
        return database.data_source_id

    def run_pid(self, run_id: str) -> int:
        """The process that executes a run. Raises `TooLate` where it never said which it is."""

        def told() -> int | None:
            words = " ".join(entry.message for entry in self.instance.all_logs(run_id))
            found = re.search(r"in process \(pid: (\d+)\)", words)
            return int(found[1]) if found else None

        return wait_until(told, limit_s=30, what=f"the process of run {run_id}")

    def kill_run(self, page_id: str) -> None:
        """End the process that works on a row as a power cut would."""
        entry = self.store.entries.get(page_id)
        assert entry is not None
        assert entry.holder is not None
        os.kill(self.run_pid(entry.holder), signal.SIGKILL)

    @property
    def workspace(self) -> Path:
        """The workspace file of Dagster's programs."""
        return Path(self.environment["DAGSTER_HOME"]) / "workspace.yaml"

    @property
    def dagster(self) -> list[Child]:
        """The processes of Dagster's programs."""
        return [child for child in self.processes.children if child.name in {"dagster-daemon", "code-server"}]

    def kill_daemon(self) -> None:
        """End the daemon alone, and leave the code server and the runs."""
        self.daemon.process.send_signal(signal.SIGKILL)
        self.daemon.process.wait(timeout=10)

    def cut_power(self) -> None:
        """End everything of the installation at once: daemon, code server and runs."""
        for child in self.dagster:
            with suppress(ProcessLookupError):  # a daemon that was killed before, and left no run
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait(timeout=10)
            self.processes.children.remove(child)

    def power_up(self) -> None:
        """Start again as `svp up` does, in a process of its own."""
        subprocess.run([sys.executable, "-c", _PREPARE], env=self.environment, check=True)
        _look_often(Path(self.environment["DAGSTER_HOME"]) / "dagster.yaml")
        up.start_code_server(self.processes, self.settings, env=self.environment)
        self.start_daemon()

    def start_daemon(self) -> None:
        """Start the daemon again."""
        self.daemon = up.start_daemon(self.processes, self.settings, workspace=self.workspace, env=self.environment)


def wait_until(look: Callable[[], T | None], *, limit_s: float, what: str) -> T:
    """What `look` gives once it gives anything. Raises `TooLate`."""
    give_up_at = time.monotonic() + limit_s
    while (found := look()) is None:
        if time.monotonic() > give_up_at:
            raise TooLate(f"waited {limit_s:.0f} s for {what}")
        time.sleep(LOOK_S)
    return found


@contextmanager
def rig(folder: Path, *, database_url: str | None = None, poll_interval_s: int = POLL_INTERVAL_S) -> Iterator[Rig]:
    """A rig in `folder` for the length of a block; `database_url` is an empty PostgreSQL database, or None."""
    with stand_ins(folder) as outside:
        os.environ["SVP_POLL_INTERVAL_S"] = str(poll_interval_s)
        if database_url is not None:
            os.environ["DATABASE_URL"] = database_url
        settings = Settings()
        up.prepare(settings)
        dagster_home = settings.home / "dagster"
        _look_often(dagster_home / "dagster.yaml")
        outside.ai.steer("vision", lines=WORDS_SHOWN)
        with (
            dg.DagsterInstance.from_config(str(dagster_home)) as instance,
            running(settings.home / "logs") as processes,
        ):
            environment = up.child_environment(settings)
            workspace = up.start_code_server(processes, settings, env=environment)
            made = Rig(
                outside=outside,
                installation=set_up(outside.notion, instance),
                processes=processes,
                environment=environment,
                files=storage(settings),
                daemon=up.start_daemon(processes, settings, workspace=workspace, env=environment),
                settings=settings,
            )
            try:
                yield made
            finally:
                if "api" in vars(made):
                    made.api.close()
                made.store.engine.dispose()


def _rested(addresses: Sequence[Address], *, since: datetime) -> Address:
    return addresses[0].model_copy(update={"rests_until": since})


def _start_app(processes: Processes, environment: dict[str, str], installation: Installation) -> httpx.Client:
    """Start the app, and return a client that speaks for the connection."""
    port = free_port()
    command = [sys.executable, "-m", "oauth_app.serving"]
    child = processes.start("app", command, env=environment | {"SVP_APP_PORT": str(port)})
    _, token = installation.rows.store.web.add_api_token(
        installation.connection_id, name="benchmark", scopes=list(Scope), expires_at=None, now=datetime.now(UTC)
    )
    processes.wait_for(child, partial(answers, port), limit_s=APP_START_S)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=UPLOAD_S, trust_env=False)


def _look_often(config: Path) -> None:
    settings = yaml.safe_load(config.read_text())
    settings["run_monitoring"]["poll_interval_seconds"] = MONITORING_INTERVAL_S
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
