"""The stand-ins for Notion, the sites and the AI services, as processes of their own for the length of a benchmark.

Of their own, so that what they import and compute is neither loaded nor counted in the process that is measured.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from svp_dagster.commands.processes import answers, free_port, running

START_LIMIT_S = 60.0
CALL_LIMIT_S = 30.0


@dataclass(frozen=True)
class StandIn:
    """A running stand-in."""

    url: str

    def steer(self, what: str, **fields: Any) -> Any:
        """Post to `/_sandbox/{what}`; the answer, if it is JSON."""
        return self._call("POST", what, json.dumps(fields).encode())

    def ask(self, what: str) -> Any:
        """Get `/_sandbox/{what}`."""
        return self._call("GET", what)

    def forget(self, what: str) -> None:
        """Delete `/_sandbox/{what}`."""
        self._call("DELETE", what)

    def _call(self, method: str, what: str, body: bytes | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/{what}", data=body, method=method, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=CALL_LIMIT_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """All three."""

    ai: StandIn
    notion: StandIn
    media: StandIn


@contextmanager
def stand_ins(folder: Path) -> Iterator[StandIns]:
    """Start them, and point the environment of this process at them: paid engines everywhere."""
    ports = {name: free_port() for name in ("ai", "notion", "media")}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with running(folder / "logs") as processes, _environment(folder, urls):
        children = {
            name: processes.start_module(
                "sandbox", [name, "--port", str(port), "--data", str(folder / name), "--with-parent"], name=name
            )
            for name, port in ports.items()
        }
        for name, child in children.items():
            processes.wait_for(child, partial(answers, ports[name]), limit_s=START_LIMIT_S)
        yield StandIns(**{name: StandIn(url) for name, url in urls.items()})


@contextmanager
def _environment(folder: Path, urls: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("SVP_", "NOTION_", "OPENAI_", "GEMINI_", "GOOGLE_"))]:
        del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    certificate = str(folder / "media" / "ca.pem")
    os.environ |= {
        "SVP_HOME": str(folder / "home"),
        "SVP_EGRESS_PROXY": urls["media"],
        # Each run is to download its post, as fast as it can.
        "SVP_INSTAGRAM_REQUESTS": "1000",
        "SVP_INSTAGRAM_WINDOW_S": "1",
        "SVP_MEDIA_KEPT_HOURS": "0",
        "NOTION_BASE_URL": urls["notion"],
        "OPENAI_API_KEY": "benchmark",
        "OPENAI_BASE_URL": f"{urls['ai']}/v1",
        "GOOGLE_VISION_API_KEY": "benchmark",
        "SVP_VISION_ENDPOINT": urls["ai"],
        "GEMINI_API_KEY": "benchmark",
        "GOOGLE_GEMINI_BASE_URL": urls["ai"],
        "SSL_CERT_FILE": certificate,
        "CURL_CA_BUNDLE": certificate,
        "REQUESTS_CA_BUNDLE": certificate,
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
