"""The requests that one fetch sends to Instagram, each reserved before it is sent."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Visit
from svp_dagster.ports import Pace

PACED_PLATFORM: Final = "instagram"
_PACED_HOST: Final = "instagram.com"


def split_proxies(proxies: str) -> tuple[str, ...]:
    """Return the proxies of a comma-separated list. Without any there is one way out, the machine's own (`""`)."""
    return tuple(each.strip() for each in proxies.split(",") if each.strip()) or ("",)


def address_name(proxy: str) -> str:
    """Return the name under which the use of a way out is recorded. It tells nothing about the proxy.

    The user name is part of it, since many services choose the address by it. The password is not.
    """
    if not proxy:
        return f"{PACED_PLATFORM} direct"
    place = urlsplit(proxy).netloc
    user, at, host = place.rpartition("@")
    digest = hashlib.sha256(f"{user.partition(':')[0]}{at}{host}".encode()).hexdigest()
    return f"{PACED_PLATFORM} {digest[:16]}"


class Turn:
    """One fetch from Instagram: all its requests leave by one proxy."""

    def __init__(self, proxies: Sequence[str], pace: Pace | None) -> None:
        """Reserve the first request. Raises `waits_turn`."""
        by_name = {address_name(proxy): proxy for proxy in proxies}
        self._pace = pace
        self._address = pace.take(list(by_name)) if pace else random.choice(list(by_name))  # noqa: S311 (no secret)
        self._reserved = 1
        self.proxy = by_name[self._address]

    def find_visit(self) -> Visit | None:
        """Return a visit that an earlier post began from the same address."""
        return self._pace.visit(self._address) if self._pace else None

    def keep_visit(self, visit: Visit) -> None:
        """Keep a visit that just began, at once: other runs may wait for it."""
        if self._pace:
            self._pace.keep_visit(self._address, visit)

    def spend(self, url: str) -> None:
        """Count a request that is about to be sent. Raises `waits_turn` where there is none left."""
        host = urlsplit(url).hostname or ""
        if self._pace is None or not (host == _PACED_HOST or host.endswith(f".{_PACED_HOST}")):
            return
        if self._reserved:
            self._reserved -= 1
        else:
            self._pace.take([self._address])

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record how the site treats the address."""
        try:
            yield
        except SvpError as error:
            if self._pace and error.code is Code.RATE_LIMITED:
                self._pace.throttled(self._address, error)
            raise
        if self._pace:
            self._pace.answered(self._address)
