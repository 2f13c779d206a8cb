"""Answers of services that no rule knows. They are kept once per kind, so that an operator can send them to us.

The clients report an answer where they have to guess what it means. They know no store: a process says once, with
`keep_in`, where its reports go. Without that they are in the log only.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from threading import Lock
from typing import Protocol

from svp_dagster.models import Value

logger = logging.getLogger(__name__)

MAX_BODY_CHARS = 2_000
MAX_KIND_CHARS = 80
MAX_HEADER_CHARS = 200

_SECRET_HEADER = re.compile(r"auth|cookie|key|token|secret|signature|session", re.IGNORECASE)
# Tokens of ours begin with svp_, and names of our settings with SVP_.
_SECRET_TEXT = re.compile(
    r"\b(?:sk-|AIza|ntn_|secret_|(?-i:svp_)|Bearer\s+)[\w.~+/-]{6,}"
    r"|(?<=[?&;])[\w-]*(?:key|token|secret|signature|sig)=[^&\s\"']+",
    re.IGNORECASE,
)


class UnknownAnswer(Value):
    """An answer that no rule knows. `status` is None where only the client's own message is known."""

    service: str
    status: int | None
    kind: str
    headers: dict[str, str]
    body: str


class Recorder(Protocol):
    """Keeps unknown answers."""

    def record(self, answer: UnknownAnswer) -> None:
        """Keep the first answer of a kind, and count the others."""


class _Reports:
    """Where the reports of this process go, and which kinds its log has."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self._logged: set[tuple[str, int | None, str]] = set()
        self._lock = Lock()

    def is_new(self, answer: UnknownAnswer) -> bool:
        key = (answer.service, answer.status, answer.kind)
        with self._lock:
            if key in self._logged:
                return False
            self._logged.add(key)
            return True


_reports = _Reports()


def keep_in(recorder: Recorder | None) -> None:
    """Hand the reports of this process to `recorder` from now on."""
    _reports.recorder = recorder


def report(
    service: str, *, status: int | None, kind: str, headers: Mapping[str, str] | None = None, body: str | bytes = ""
) -> None:
    """Keep an answer that no rule knows, without secrets. Never fails."""
    answer = UnknownAnswer(
        service=service,
        status=status,
        kind=without_secrets(kind)[:MAX_KIND_CHARS],
        headers=_public_headers(headers or {}),
        body=without_secrets(_text(body))[:MAX_BODY_CHARS],
    )
    if _reports.is_new(answer):
        logger.warning("an answer that no rule knows: %s, status %s, %s", service, status, answer.kind)
    try:
        if _reports.recorder is not None:
            _reports.recorder.record(answer)
    except Exception as error:  # noqa: BLE001 (a report must not disturb what it reports on)
        logger.warning("an unknown answer of %s can't be kept: %s", service, type(error).__name__)


def _public_headers(headers: Mapping[str, str]) -> dict[str, str]:
    public = ((name.lower(), value) for name, value in headers.items() if not _SECRET_HEADER.search(name))
    return {name: without_secrets(str(value))[:MAX_HEADER_CHARS] for name, value in public}


def _text(body: str | bytes) -> str:
    """Return more of the body than is kept, since secrets are taken out before it is cut."""
    start = body[: 4 * MAX_BODY_CHARS]
    return start.decode(errors="replace") if isinstance(start, bytes) else start


def without_secrets(text: str) -> str:
    """Return the text with what looks like a key, a token or a signature taken out."""
    return _SECRET_TEXT.sub("…", text)
