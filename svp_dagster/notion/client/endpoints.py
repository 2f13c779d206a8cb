"""What the verbs of a connection have in common."""

from __future__ import annotations

from functools import cached_property

from svp_dagster.notion.client.http import Call, Calls
from svp_dagster.notion.client.responses import Bot, parse_bot, read


class Endpoints:
    """Base of the groups of verbs that make up a `Workspace`."""

    def __init__(self, calls: Calls, *, connection_id: str) -> None:
        self.connection_id = connection_id
        self._calls = calls

    @cached_property
    def _bot(self) -> Bot:
        return read(parse_bot, self._calls.send(Call(method="GET", path="users/me")))

    def me(self) -> Bot:
        """Return the identity of the connection. Requested once."""
        return self._bot
