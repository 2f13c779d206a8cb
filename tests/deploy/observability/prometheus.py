"""A real Prometheus with the rules of `deploy/observability`, in which minutes are seconds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml

from svp_dagster.commands.processes import PROJECT, answers, free_port, running

OBSERVABILITY = PROJECT / "deploy" / "observability"
SCRAPE_S = 2
"""As often as the app lets itself be scraped: 60 times a minute, with some to spare."""
FASTER = 20
"""Windows of half an hour are 90 seconds, and waits of five minutes 15. Thresholds stay as they are."""
START_LIMIT_S = 60
QUERY_LIMIT_S = 10


@dataclass
class Prometheus:
    """A running one, and what was seen of its alerts: when each fired and when it ended, by name and labels."""

    url: str
    fired: dict[str, datetime] = field(default_factory=dict)
    resolved: dict[str, datetime] = field(default_factory=dict)

    def look(self) -> set[str]:
        """Return the names of the alerts that fire now, and note what has changed."""
        now = datetime.now(UTC)
        alerts = [each for each in self._get("alerts")["alerts"] if each["state"] == "firing"]
        firing = {_described(alert["labels"]): alert["labels"]["alertname"] for alert in alerts}
        for alert in firing.keys() - (self.fired.keys() - self.resolved.keys()):
            self.fired[alert] = now
            self.resolved.pop(alert, None)
        for alert in self.fired.keys() - firing.keys() - self.resolved.keys():
            self.resolved[alert] = now
        return set(firing.values())

    def query(self, expression: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return what an expression gives now, by labels."""
        found = self._get("query", query=expression)["result"]
        return {frozenset(each["metric"].items()): float(each["value"][1]) for each in found}

    def history(self, began: datetime) -> str:
        """Return a line for each alert that fired: after how many seconds, and after how many it ended."""
        return "\n".join(
            f"{(at - began).total_seconds():6.0f} s  {alert} fires, "
            + (f"ends at {(self.resolved[alert] - began).total_seconds():.0f} s" if alert in self.resolved else "stays")
            for alert, at in sorted(self.fired.items(), key=lambda each: each[1])
        )

    def _get(self, what: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=QUERY_LIMIT_S, trust_env=False)
        answer.raise_for_status()
        return answer.json()["data"]


@contextmanager
def prometheus(folder: Path, *, binary: str, app_port: int, token: str) -> Iterator[Prometheus]:
    """One that scrapes an app for the length of a block."""
    folder.mkdir()
    port = free_port()
    (folder / "token").write_text(token)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(shortened(yaml.safe_load(_read("alerts.yaml")))))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_configuration(folder, app_port)))
    subprocess.run(["promtool", "check", "config", folder / "prometheus.yml"], check=True, timeout=30)
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(folder / "logs") as processes:
        child = processes.start("prometheus", command, env={"PATH": "/usr/bin:/bin"})
        processes.wait_for(child, partial(answers, port), limit_s=START_LIMIT_S)
        yield Prometheus(f"http://127.0.0.1:{port}")


def shortened(rules: dict[str, Any]) -> dict[str, Any]:
    """Return the rules with each window and each wait `FASTER` times as short."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[(\d+)m\]", lambda found: f"[{_seconds(found[1])}s]", rule["expr"])
            if "for" in rule:
                rule["for"] = f"{_seconds(rule['for'].removesuffix('m'))}s"
    return rules


def _seconds(minutes: str) -> int:
    return int(minutes) * 60 // FASTER


def _configuration(folder: Path, app_port: int) -> dict[str, Any]:
    """Return that of `deploy/observability` for another place and pace."""
    made: dict[str, Any] = yaml.safe_load(_read("prometheus.yaml"))
    made["global"] = {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"}
    (job,) = made["scrape_configs"]
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{app_port}"]
    return made


def _read(name: str) -> str:
    return (OBSERVABILITY / name).read_text()


def _described(labels: dict[str, str]) -> str:
    others = [text for name, text in sorted(labels.items()) if name not in ("alertname", "severity")]
    return " ".join([labels["alertname"], *others])
