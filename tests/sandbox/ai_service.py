"""The AI stand-ins on a real socket, with what a test needs to steer and to look at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from sandbox.ai.server import create_app
from sandbox.serving import serve


class AiService:
    """A running stand-in at `url`, steered as from another process."""

    def __init__(self, url: str, control: httpx.Client) -> None:
        self.url = url
        self.control = control

    def steer(self, what: str, /, **fields: Any) -> None:
        """Posts to `/_sandbox/{what}`: faults, speech, gemini, vision, models or latency."""
        self.control.post(f"/_sandbox/{what}", json=fields).raise_for_status()

    @property
    def ledger(self) -> Any:
        return self.control.get("/_sandbox/ledger").json()

    @property
    def requests(self) -> list[dict[str, Any]]:
        return list(self.control.get("/_sandbox/requests").json()["requests"])


@contextmanager
def ai_service() -> Iterator[AiService]:
    with serve(create_app()) as served, httpx.Client(base_url=served.url) as control:
        yield AiService(served.url, control)
