"""The lines of the log: JSON in production, readable text on a terminal.

Nothing of a client's may pass for a line of the log. In text, control characters are escaped and tracebacks indented;
JSON escapes them by itself.

`LOG_LEVEL` sets the level of this project's own loggers. All others stay at WARNING whatever it says, since some write
addresses, headers or bodies of requests below that, and with them secrets.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from svp_dagster.settings import Settings
from svp_dagster.telemetry.context import FACTS, current

OUR_LOGGERS: Final = ("svp_dagster", "oauth_app")
ALSO_AT_INFO: Final = ("uvicorn.error",)
READABLE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLine(logging.Formatter):
    """Escapes control characters and indents tracebacks, so that nothing of a client's passes for a line of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the line of a record."""
        record.message = _escape(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        """Return a traceback. An exception may quote what a client sent."""
        return "\n".join(f"    {_escape(line)}" for line in super().formatException(ei).split("\n"))


class JsonLine(logging.Formatter):
    """One JSON object per record: time, level, logger, message, what the work concerns, and the facts of the call."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_of_dagster(record),
            **current(),
            **_mapping(getattr(record, FACTS, None)),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up(settings: Settings) -> None:
    """Write the log of this process to its standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(settings))
    logging.basicConfig(handlers=[handler])
    _set_levels(settings)


def set_up_code_location(settings: Settings) -> None:
    """Write what this project logs, where Dagster loads its code. Dagster's own lines are Dagster's matter."""
    logger = logging.getLogger("svp_dagster")
    for earlier in [handler for handler in logger.handlers if isinstance(handler, _OurLines)]:
        logger.removeHandler(earlier)
    logger.addHandler(_OurLines(settings))
    _set_levels(settings)


class _OurLines(logging.StreamHandler[TextIO]):
    """Writes to whatever is the standard error then: Dagster replaces it while it captures a step."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.setFormatter(_formatter(settings))
        self._with_runs = settings.production

    def emit(self, record: logging.LogRecord) -> None:
        # In text, Dagster's console shows what a run logs already. In production its line is JSON too.
        if self._with_runs or "run" not in current():
            self.stream = sys.stderr  # `setStream` would flush the last one, which may be closed
            super().emit(record)


def _set_levels(settings: Settings) -> None:
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(settings.log_level)
    for name in ALSO_AT_INFO:
        logging.getLogger(name).setLevel(logging.INFO)


def _formatter(settings: Settings) -> logging.Formatter:
    return JsonLine() if settings.production else OneLine(READABLE)


def _of_dagster(record: logging.LogRecord) -> dict[str, str]:
    """Return the run and the step of a record that Dagster passes on (`DagsterLogRecord` of dagster 1.13)."""
    meta = _mapping(getattr(record, "dagster_meta", None))
    named = {"run": meta.get("run_id"), "stage": meta.get("op_name") or meta.get("step_key")}
    return {name: value for name, value in named.items() if value}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _escape(text: str) -> str:
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)
