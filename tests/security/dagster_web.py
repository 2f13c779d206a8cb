"""A running Dagster web server as `svp up` starts it, and what its operator sees of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import yaml

from svp_dagster.commands.processes import answers, free_port, running

START_LIMIT_S = 60.0
TIMEOUT_S = 30.0
TINY_LOCATION = {"python_file": {"relative_path": str(Path(__file__).with_name("tiny_location.py"))}}
"""An entry of workspace.yaml."""
PUBLIC_URL = "https://dagster.example.org"
OTHER_NAME = "dagster.internal"

POOLS = "{ instance { concurrencyLimits { concurrencyKey } } }"
_names = count(1)


def mutation(pool: str) -> str:
    """Return a mutation that leaves a mark: a pool of this name."""
    return f'mutation {{ setConcurrencyLimit(concurrencyKey: "{pool}", limit: 7) }}'


@dataclass(frozen=True)
class DagsterWeb:
    """Where it answers. `credentials` are the headers that its operator's programs send."""

    port: int
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request to its address, whatever the headers say, without credentials."""
        return httpx.request(method, f"{self.url}{path}", timeout=TIMEOUT_S, **request)

    def pools(self) -> set[str]:
        """Return the names of the pools: what the attacks would add to."""
        answer = self.send("POST", "/graphql", json={"query": POOLS}, headers=self.credentials)
        limits = answer.raise_for_status().json()["data"]["instance"]["concurrencyLimits"]
        return {limit["concurrencyKey"] for limit in limits}


def new_pool() -> str:
    """Return a name that no other attack uses."""
    return f"taken-{next(_names)}"


@contextmanager
def dagster_web(
    folder: Path,
    *,
    location: dict[str, Any] = TINY_LOCATION,
    credentials: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
) -> Iterator[DagsterWeb]:
    """Run one in `folder` with this code location and these settings until the end of the block."""
    dagster_home = folder / "dagster"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text(
        yaml.safe_dump({"telemetry": {"enabled": False}, "nux": {"enabled": False}})
    )
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [location]}))
    web = DagsterWeb(free_port(), credentials or {})
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home),
        "SVP_HOME": str(folder),
        "SVP_ENV_FILE": str(folder / "no.env"),
        "SVP_DAGSTER_PORT": str(web.port),
        "SVP_DAGSTER_URL": PUBLIC_URL,
        "SVP_DAGSTER_HOSTS": OTHER_NAME,
        **(settings or {}),
    }
    svp = str(Path(sys.executable).parent / "svp")
    with running(folder / "logs") as processes:
        child = processes.start(
            "dagster-webserver", [svp, "webserver", "-w", str(folder / "workspace.yaml")], env=environment
        )
        processes.wait_for(child, lambda: answers(web.port), limit_s=START_LIMIT_S)
        yield web
