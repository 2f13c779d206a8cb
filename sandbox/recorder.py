"""The record of every request that came, without its secrets."""

import hashlib
import json
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

LONGEST_RECORDED_TEXT = 100_000
_RECORDED_HEADERS = ("content-type", "user-agent", "notion-version", "x-stainless-retry-count", "retry-after")


@dataclass(frozen=True)
class RequestRecord:
    """One request as it came and the status it was answered with.

    `body` is the parsed JSON or the fields of a form (a file is its name), None for anything else; longer texts than
    `LONGEST_RECORDED_TEXT` characters are named by their length. `headers` has no secrets: `authorization` is
    the scheme and a fingerprint of the value. `status` is None while the request is worked on and where no
    answer was sent; `fault` is the name of the injected fault.
    """

    number: int
    time: datetime
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any = None
    body_bytes: int = 0
    status: int | None = None
    fault: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self) | {"time": self.time.isoformat()}


class Recorder:
    """Every request in the order of arrival; thread-safe.

    With `record_path`, each is also appended to that file as a line of JSON once its answer is known.
    """

    def __init__(self, *, record_path: Path | None = None) -> None:
        self._record_path = record_path
        self._lock = threading.Lock()
        self._records: dict[int, RequestRecord] = {}
        self._next = 0

    @property
    def requests(self) -> list[RequestRecord]:
        """A copy of the records."""
        with self._lock:
            return list(self._records.values())

    def clear(self) -> None:
        """Forgets the records; the file stays."""
        with self._lock:
            self._records.clear()

    def arrived(self) -> RequestRecord:
        """Records the request that Flask is handling."""
        with self._lock:
            record = RequestRecord(
                number=self._next,
                time=datetime.now(UTC),
                method=request.method,
                path=request.path,
                query=_query(),
                headers=_headers(),
                body_bytes=request.content_length or 0,
            )
            self._next += 1
            self._records[record.number] = record
        return record

    def answered(self, record: RequestRecord, *, status: int | None, fault: str | None) -> None:
        """Completes `record` with its body, its answer's status and the name of the fault that was injected."""
        done = replace(record, body=_body(), status=status, fault=fault)
        with self._lock:
            if done.number in self._records:
                self._records[done.number] = done
            if self._record_path is not None:
                with self._record_path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(done.as_json(), ensure_ascii=False) + "\n")


def _query() -> dict[str, list[str]]:
    query = {name: list(values) for name, values in request.args.lists()}
    return query | ({"key": ["…"]} if "key" in query else {})


def _headers() -> dict[str, str]:
    kept = {name: request.headers[name] for name in _RECORDED_HEADERS if name in request.headers}
    if authorization := request.headers.get("authorization"):
        scheme, _, value = authorization.partition(" ")
        kept["authorization"] = f"{scheme} sha256:{hashlib.sha256(value.encode()).hexdigest()[:12]}"
    return kept


def _body() -> Any:
    try:
        if request.is_json:
            return _shortened(request.get_json(silent=True))
        if request.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
            fields = {name: values[0] if len(values) == 1 else values for name, values in request.form.lists()}
            return _shortened(fields | {name: file.filename for name, file in request.files.items()})
    except HTTPException:  # larger than the app accepts: its size is recorded all the same
        return None
    return None


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_RECORDED_TEXT:
        return f"<{len(value)} characters>"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    return value
