"""`svp up`: the web server and daemon of Dagster, which load the code location, and the app.

Where each of them is a container of its own, `commands/programs` does the same in parts.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import yaml

from svp_dagster.commands.processes import (
    PROJECT,
    Child,
    Processes,
    answers,
    answers_at,
    home_lock,
    require_free,
    running,
)
from svp_dagster.errors import Code, failure
from svp_dagster.pools import POOLS
from svp_dagster.prices import load_prices
from svp_dagster.private_files import make_private
from svp_dagster.settings import NOTION_PORTAL, Settings
from svp_dagster.store.engine import migrate, process_engine
from svp_dagster.store.store import open_store, require_keys

START_LIMIT_S = 120.0
_SOCKET, _LONGEST_SOCKET_BYTES = "code.sock", 103
"""Longer paths can't be bound (unix(7); 103 on macOS)."""
LOCATION = "svp_dagster"
"""The name of the code location, in every workspace file."""
CODE_SERVER_WORKERS = 32
"""Requests that the code server answers at once: the ticks of all sensors, of which 16 may wait, and the UI's."""


def prepare(settings: Settings) -> None:
    """Create the folders, keys and tables that a start needs.

    Raises `misconfigured`, also for the price file and for half an identity provider.
    """
    load_prices(settings.prices_file)  # read by each run: better refused here than by every row
    if settings.jwt_problem:  # the app's process would end by itself, and say so in its log alone
        raise failure(Code.MISCONFIGURED, reason=settings.jwt_problem)
    make_private(settings.home)
    require_keys(settings)
    migrate(open_store(settings).engine)
    set_environment(settings)
    dagster_home = _write_config(settings)
    # Dagster creates its tables when first opened, and two processes that do so at once break them.
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        make_pools(instance)


def set_environment(settings: Settings) -> None:
    """Set what Dagster reads from the environment itself: its home, made here if there is none, and the database."""
    if not os.environ.get("DAGSTER_HOME"):
        make_private(settings.home)
        os.environ["DAGSTER_HOME"] = str(_write_config(settings))
    engine = process_engine(settings.resolved_database_url)
    if engine.dialect.name == "postgresql":
        # Dagster takes the address as it is, and SQLAlchemy's default driver for `postgresql://` is not installed.
        os.environ["DATABASE_URL"] = engine.url.render_as_string(hide_password=False)
        os.environ.pop("DATABASE_URL_FILE", None)  # both at once are refused


def make_pools(instance: dg.DagsterInstance) -> None:
    """Create each pool, and update those that have an older default limit.

    Dagster does that when a pool is first used. On PostgreSQL, runs that do it at the same moment fail: after the
    insert that came too late, Dagster continues in the transaction that the conflict aborted.
    """
    storage, default = instance.event_log_storage, instance.global_op_concurrency_default_limit
    known = {pool.name: pool for pool in storage.get_pool_limits()}
    for name in POOLS:
        pool = known.get(name)
        if pool is not None and (pool.limit == default or not pool.from_default):
            continue
        if pool is not None:
            storage.delete_concurrency_limit(name)
        storage.initialize_concurrency_limit_to_default(name)


def instance_config(settings: Settings) -> str:
    """Return dagster.yaml, with PostgreSQL storage if the store uses PostgreSQL, and the operator's own sections."""
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    if settings.resolved_database_url.startswith("postgres"):
        config |= yaml.safe_load((PROJECT / "deploy" / "dagster-postgres.yaml").read_text())
    if settings.dagster_config:
        config |= _own_sections(settings.dagster_config)
    return str(yaml.safe_dump(config, sort_keys=False))


def _own_sections(file: Path) -> dict[str, object]:
    try:
        sections = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        reason = f"SVP_DAGSTER_CONFIG can't be read ({type(error).__name__})"
        raise failure(Code.MISCONFIGURED, reason=reason, detail=str(file)) from error
    if not isinstance(sections, dict):
        raise failure(Code.MISCONFIGURED, reason="SVP_DAGSTER_CONFIG has no sections", detail=str(file))
    return sections


def _write_config(settings: Settings) -> Path:
    """Write Dagster's configuration into its home within ours, and return that.

    Several programs share the folder, so that one may read the file while another writes it.
    """
    dagster_home = settings.home / "dagster"
    dagster_home.mkdir(exist_ok=True)
    draft = dagster_home / f"dagster.yaml.{os.getpid()}"
    draft.write_text(instance_config(settings))
    draft.replace(dagster_home / "dagster.yaml")
    return dagster_home


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of every child: ours with absolute paths, since children start in the project's folder."""
    prices = {"SVP_PRICES_FILE": str(settings.prices_file.absolute())} if settings.prices_file else {}
    return {
        **os.environ,
        **prices,
        "SVP_HOME": str(settings.home),
        "DAGSTER_HOME": str(settings.home / "dagster"),
        "PYTHONUNBUFFERED": "1",
    }


def start(processes: Processes, settings: Settings) -> None:
    """Start Dagster and the app, and wait until both answer. Raises `StartFailed`."""
    env = child_environment(settings)
    app = processes.start("app", [sys.executable, "-m", "oauth_app.serving"], env=env)
    workspace = start_code_server(processes, settings, env=env)
    start_daemon(processes, settings, workspace=workspace, env=env)
    web = processes.start("dagster-webserver", [_program("svp"), "webserver", "-w", str(workspace)], env=env)
    processes.wait_for(app, lambda: answers(settings.app_port, settings.app_host), limit_s=START_LIMIT_S)
    processes.wait_for(web, lambda: answers(settings.dagster_port, settings.dagster_host), limit_s=START_LIMIT_S)


def start_code_server(processes: Processes, settings: Settings, *, env: Mapping[str, str]) -> Path:
    """Start the code server that Dagster's other programs share, and return the workspace file that names it.

    Without it each of them starts one of its own, and a new one from time to time. It listens at a socket that only
    this user can reach.
    """
    socket = _socket(settings)
    workspace = settings.home / "dagster" / "workspace.yaml"
    server = {"grpc_server": {"socket": str(socket), "location_name": LOCATION}}
    workspace.write_text(yaml.safe_dump({"load_from": [server]}, sort_keys=False))
    command = [_program("dagster"), *code_server_arguments(["--socket", str(socket)])]
    child = processes.start("code-server", command, env=env)
    processes.wait_for(child, lambda: answers_at(socket), limit_s=START_LIMIT_S)
    return workspace


def start_daemon(processes: Processes, settings: Settings, *, workspace: Path, env: Mapping[str, str]) -> Child:
    """Start Dagster's daemon."""
    command = [_program("dagster-daemon"), *daemon_arguments(settings, workspace=str(workspace))]
    return processes.start("dagster-daemon", command, env=env)


def code_server_arguments(address: list[str]) -> list[str]:
    """Return the arguments of `dagster` for a code server at an address."""
    code = ["--module-name", "svp_dagster.definitions", "--location-name", LOCATION]
    return ["api", "grpc", *code, *address, "--max-workers", str(CODE_SERVER_WORKERS)]


def daemon_arguments(settings: Settings, *, workspace: str) -> list[str]:
    """Return the arguments of `dagster-daemon`."""
    return ["run", "-w", workspace, "--log-format", "json" if settings.production else "colored"]


def _socket(settings: Settings) -> Path:
    """Return where the code server of this home listens: within it, or nearer to the root where that is too far."""
    folder = settings.home.absolute()
    if len(bytes(folder / _SOCKET)) > _LONGEST_SOCKET_BYTES:
        folder = Path(tempfile.gettempdir()) / f"svp-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"
        make_private(folder)
    socket = folder / _SOCKET
    socket.unlink(missing_ok=True)
    return socket


def serve(processes: Processes) -> str:
    """Wait for Ctrl-C. Return the name of a child that ended by itself, or ''."""
    try:
        while True:
            if child := processes.ended():
                return f"{child.name} (its log is {child.log})"
            time.sleep(0.5)
    except KeyboardInterrupt:
        return ""


def next_step(settings: Settings) -> str:
    """Return what the operator does next, as lines for the terminal; '' once somebody has connected Notion."""
    missing = settings.missing_notion_client
    if missing:
        return f"""
Nobody can connect Notion yet: {" and ".join(missing)} not set.
  1. Make a public connection at {NOTION_PORTAL}
     (Public connections, Create new connection) with the redirect URI
     {settings.notion_redirect_uri}
  2. Copy its client ID and secret from the tab Configuration into the file .env.
  3. Ctrl-C, then start again. The app shows the same, and what comes after.

"""
    if not open_store(settings).connections.all():
        return f"\nNext: open {settings.app_url} and press Connect Notion.\n\n"
    return ""


def run(settings: Settings) -> str:
    """Run the whole command. Return what ended by itself, or ''."""
    require_free(settings.app_port, host=settings.app_host)
    require_free(settings.dagster_port, host=settings.dagster_host)
    prepare(settings)
    with home_lock(settings.home), running(settings.home / "logs") as processes:
        start(processes, settings)
        print(f"App      {settings.app_url}\nDagster  {settings.dagster_address}")  # noqa: T201
        print(next_step(settings) + "Ctrl-C stops everything.", flush=True)  # noqa: T201
        return serve(processes)


def _program(name: str) -> str:
    """Return the path of a program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))
