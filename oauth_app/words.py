"""Template filters: times, sums and titles in words."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, url_for

from oauth_app.services import services
from svp_dagster.library.words import clock
from svp_dagster.rows.pauses import name_of
from svp_dagster.store.entries import Entry

_STATIC = Path(__file__).parent / "static"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def init_app(app: Flask) -> None:
    """Give the templates their filters."""
    app.jinja_env.filters.update(
        ago=ago, ahead=ahead, duration=duration, site=name_of, usd=usd, title_of=title_of, clock=clock
    )
    app.jinja_env.globals.update(asset=asset)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def asset(name: str) -> str:
    """Return the address of a static file. It changes with the file, so that browsers may cache it."""
    return url_for("static", filename=name, v=_fingerprint(name))


def ago(moment: datetime) -> str:
    """Return how long ago a moment is: `just now`, `5 min ago`, `3 h ago`, then the day."""
    passed_s = (services().now() - moment).total_seconds()
    if passed_s < _MINUTE_S:
        return "just now"
    if passed_s < _HOUR_S:
        return f"{passed_s // _MINUTE_S:.0f} min ago"
    if passed_s < _DAY_S:
        return f"{passed_s // _HOUR_S:.0f} h ago"
    return f"{moment.day} {moment:%b %Y}"


def ahead(moment: datetime) -> str:
    """Return how far ahead a moment is: `any moment now`, `in 5 min`, `in 3 h`."""
    left_s = (moment - services().now()).total_seconds()
    if left_s < _MINUTE_S:
        return "any moment now"
    if left_s < _HOUR_S:
        return f"in {math.ceil(left_s / _MINUTE_S)} min"
    return f"in {left_s / _HOUR_S:.0f} h"


def duration(seconds: float) -> str:
    """Return seconds for people: `0.8 s`, `24 s`, `2 min 5 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds // _MINUTE_S:.0f} min {seconds % _MINUTE_S:.0f} s"


def usd(amount: float) -> str:
    """Return a sum in US dollars. One below ten cents keeps four digits."""
    return f"${amount:.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.4f}"


def title_of(entry: Entry) -> str:
    """Return the name of an entry: its video's title, or its link without the scheme."""
    if entry.title:
        return entry.title
    parts = urlsplit(entry.link.url)
    return (parts.netloc.removeprefix("www.") + parts.path).rstrip("/") or entry.link.url or "A row without a link"


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
