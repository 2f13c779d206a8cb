"""`svp demo`: the whole system against local stand-ins for Notion, TikTok and Instagram.

Everything is as with the real services but their addresses: the app signs in with OAuth, yt-dlp's own extractors fetch
the posts over TLS, Dagster's daemon runs the job. Data lies in `SVP_HOME/demo`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import certifi
import httpx
from rich.console import Console

from svp_dagster.commands import up
from svp_dagster.commands.demo_samples import INSTAGRAM, SAMPLES, TIKTOK, Sample, print_outcome, verdict
from svp_dagster.commands.processes import Processes, answers, free_port, require_free, running
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.rows import new_row
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.settings import Settings
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store, open_store
from svp_dagster.store.web.callers import Scope

SANDBOX_LIMIT_S = 30.0
ONCE_LIMIT_S = 600.0
CALL_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A running demo: the settings it runs with, the stand-in's address, and the connection that was made."""

    settings: Settings
    notion_url: str
    connection_id: str
    links_url: str

    @property
    def store(self) -> Store:
        """Return the installation's store."""
        return open_store(self.settings)


def run() -> str:
    """Run until Ctrl-C. Return what ended by itself, or ''."""
    home, ports = Settings().home / "demo", {"app_port": 8600, "dagster_port": 3000, "notion_port": 8601}
    require_free(*ports.values())
    shutil.rmtree(home, ignore_errors=True)
    console = Console()
    console.print("Starting the stand-ins, the app and Dagster …")
    with _demo(home, **ports) as (demo, processes):
        add_rows(demo)
        console.print(f"""
[bold]It runs.[/bold] The sample links are being worked on now.

  Link Database (a stand-in for Notion)   {demo.links_url}
  The app                                 {demo.settings.app_url}
  Dagster                                 {demo.settings.dagster_address}

Add a row of your own to the Link Database, for example
  {TIKTOK}/@desk.physio/photo/7512345678901234504   tag: places   (a slideshow)
  {INSTAGRAM}/p/DOportoday1/                           tag: places   (a carousel)
and watch its status. Ctrl-C stops everything.
""")
        return up.serve(processes)


def run_once() -> str:
    """Add the sample rows, wait, print the outcome. Return a sentence if one ended otherwise than it should, or ''."""
    home = Path(tempfile.mkdtemp(prefix="svp-demo-"))
    ports = {name: free_port() for name in ("app_port", "dagster_port", "notion_port")}
    try:
        with _demo(home, **ports) as (demo, _):
            rows = add_rows(demo)
            entries = wait_for(demo, set(rows))
            print_outcome(rows, entries)
            return verdict(rows, entries)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _demo(home: Path, *, app_port: int, dagster_port: int, notion_port: int) -> Iterator[tuple[Demo, Processes]]:
    media_port = free_port()
    notion_url = f"http://localhost:{notion_port}"
    with running(home / "logs") as processes, _environment(home, app_port, dagster_port, notion_url, media_port):
        settings = Settings()
        _start_sandbox(processes, home, notion_port=notion_port, media_port=media_port)
        up.prepare(settings)
        up.start(processes, settings)
        yield _connect(settings, notion_url), processes


@contextmanager
def _environment(home: Path, app_port: int, dagster_port: int, notion_url: str, media_port: int) -> Iterator[None]:
    """Set the environment of the demo for the length of a block. Keys that are set outside are not used."""
    before = dict(os.environ)
    bundle = str(home / "sandbox" / "trusted.pem")
    for name in [name for name in os.environ if name.startswith(("SVP_", "NOTION_", "OPENAI_", "GEMINI_", "GOOGLE_"))]:
        del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    os.environ.update(
        {
            "SVP_HOME": str(home),
            "SVP_APP_PORT": str(app_port),
            "SVP_APP_URL": f"http://localhost:{app_port}",
            "SVP_DAGSTER_PORT": str(dagster_port),
            "SVP_POLL_INTERVAL_S": "5",
            "NOTION_BASE_URL": notion_url,
            "NOTION_CLIENT_ID": "demo",
            "NOTION_CLIENT_SECRET": "demo",
            "SVP_EGRESS_PROXY": f"http://127.0.0.1:{media_port}",
            "SSL_CERT_FILE": bundle,
            "CURL_CA_BUNDLE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _start_sandbox(processes: Processes, home: Path, *, notion_port: int, media_port: int) -> None:
    """Start the stand-ins and write a CA bundle that trusts theirs beside the real ones."""
    data = home / "sandbox"
    for name, port in (("notion", notion_port), ("media", media_port)):
        child = processes.start_module("sandbox", [name, "--port", str(port), "--data", str(data / name)], name=name)
        processes.wait_for(child, partial(answers, port), limit_s=SANDBOX_LIMIT_S)
    roots = Path(certifi.where()).read_text()
    (data / "trusted.pem").write_text(roots + "\n" + (data / "media" / "ca.pem").read_text())


def _connect(settings: Settings, notion_url: str) -> Demo:
    """Sign in as a person would, then let the app make the databases."""
    with httpx.Client(timeout=CALL_TIMEOUT_S, follow_redirects=True) as browser:
        workspace = browser.post(f"{notion_url}/_sandbox/workspaces", json={"name": "Demo"}).raise_for_status().json()
        authorize = browser.get(f"{settings.app_url}/auth/notion/login").raise_for_status()
        asked = {name: values[0] for name, values in parse_qs(urlsplit(str(authorize.url)).query).items()}
        allowed = {**asked, "workspace": workspace["workspace_id"], "page": workspace["page_id"], "answer": "allow"}
        browser.post(str(authorize.url), data=allowed).raise_for_status()
    store = open_store(settings)
    (connection,) = store.connections.all()
    now = datetime.now(UTC)
    scopes, expires_at = {Scope.MANAGE}, now + timedelta(hours=1)
    _, token = store.web.add_api_token(connection.id, name="demo", scopes=scopes, expires_at=expires_at, now=now)
    with httpx.Client(
        base_url=settings.app_url, timeout=CALL_TIMEOUT_S, headers={"Authorization": f"Bearer {token}"}
    ) as api:
        page = workspace["page_id"]
        for template in ("cooking", "places"):
            api.post("/api/databases/make", json={"template": template, "parent_page": page}).raise_for_status()
        made = api.post("/api/link-database/make", json={"parent_page": page}).raise_for_status().json()
    return Demo(settings=settings, notion_url=notion_url, connection_id=connection.id, links_url=made["url"])


def add_rows(demo: Demo) -> dict[str, Sample]:
    """Add the samples as pending rows. Return them by page id."""
    link_database = demo.store.databases.link_database(demo.connection_id)
    assert link_database is not None
    schema, now = link_database.data_schema, datetime.now(UTC)
    notion = NotionResource(base_url=demo.settings.notion_base_url)
    workspace = notion.workspace(demo.connection_id, TokenStore())
    rows: dict[str, Sample] = {}
    for sample in SAMPLES:
        properties = new_row(schema, url=sample.url, tag=sample.tag, processing_type=None, at=now)
        page = workspace.create_page(schema.data_source_id, properties, find=lambda: None)
        rows[page.page_id] = sample
    demo.store.databases.poll_now(demo.connection_id, now=now)
    notion.close()
    return rows


def wait_for(demo: Demo, page_ids: set[str], *, limit_s: float = ONCE_LIMIT_S) -> dict[str, Entry]:
    """Return the entries, once all are final and Notion shows it, or when the time is up."""
    give_up_at = time.monotonic() + limit_s
    while True:
        known = demo.store.entries.known(page_ids)
        done = [entry for entry in known.values() if entry.status.is_final and not entry.is_unsynced]
        if len(done) == len(page_ids) or time.monotonic() > give_up_at:
            return known
        time.sleep(0.5)
