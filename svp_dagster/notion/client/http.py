"""Calls to Notion's API that answer, or raise a failure of the table.

The SDK's own retries are off: it repeats what it shouldn't wait for and gives up on what it should. Here a call

- waits while Notion asks its connection to slow down (429, 529), together with all other threads of the connection;
- is repeated after an outage, a conflict or silence if that can't do it twice, or if a look showed that it had no
  effect;
- gets a new token once when the old one is no longer taken.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.failures import (
    WORKSPACE,
    Subject,
    Verdict,
    call_errors,
    describe,
    refusal,
    retry_after_s,
    verdict,
)

if TYPE_CHECKING:
    from notion_client import Client

NOTION_VERSION = "2026-03-11"
PAGE_SIZE = 100

logger = logging.getLogger(__name__)

T = TypeVar("T")
Look = Callable[[], JsonObject | None]
"""Looks whether a write without an answer had its effect: what Notion would have answered, or None."""


class Tokens(Protocol):
    """Where access tokens come from."""

    def access_token(self, connection_id: str) -> str:
        """The connection's token. Raises `not_connected`."""

    def refresh(self, connection_id: str, stale: str) -> str:
        """A token instead of `stale`, which Notion no longer takes. Raises `not_connected`."""


class Gate:
    """Shut for all threads of a connection while Notion asks it to slow down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opens_at = 0.0

    def shut(self, seconds: float) -> None:
        """Stay shut for so long at least."""
        with self._lock:
            self._opens_at = max(self._opens_at, time.monotonic() + seconds)

    def opens_in_s(self) -> float:
        """How long it stays shut; 0 where it is open."""
        with self._lock:
            return max(0.0, self._opens_at - time.monotonic())


_gates: dict[tuple[str, str], Gate] = {}
_gates_lock = threading.Lock()


def gate_of(base_url: str, connection_id: str) -> Gate:
    """The one gate that a connection has in this process."""
    with _gates_lock:
        return _gates.setdefault((base_url, connection_id), Gate())


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """How long a call is kept up.

    `attempts`: how often it is tried in an outage, with `backoff_s` after the first, doubled after each.
    `patience_s`: how long it waits in all where Notion asks to slow down; then it is postponed.
    """

    attempts: int = 4
    backoff_s: float = 0.5
    patience_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. `path` is without `/v1/`. `subject` is what is missing where Notion finds nothing."""

    method: str
    path: str
    subject: Subject = WORKSPACE
    query: JsonObject | None = None
    body: JsonObject | None = None
    form: JsonObject | None = None


class Calls:
    """The calls of one connection. Thread-safe."""

    def __init__(
        self, client: Client, *, connection_id: str, tokens: Tokens, gate: Gate, persistence: Persistence
    ) -> None:
        self._client = client
        self._connection_id = connection_id
        self._tokens = tokens
        self._gate = gate
        self._persistence = persistence

    def send(self, call: Call) -> JsonObject:
        """Notion's answer to a call that may be repeated without harm: a read, or a write that sets what is set.

        Raises `notion_busy`, `notion_unreachable`, `not_connected`, and what `refusal` makes of a refusal.
        """
        return self._keep_trying(call, look=None)

    def send_once(self, call: Call, *, look: Look) -> JsonObject:
        """Notion's answer to a call that must not have its effect twice.

        Where no answer comes, `look` finds out whether it had its effect before it is repeated. Raises what `send`
        and `look` raise.
        """
        return self._keep_trying(call, look=look)

    def answers(self, call: Call) -> Iterator[JsonObject]:
        """The answers of a paged list one after the other, asked for as they are taken."""
        cursor: str | None = None
        while True:
            answer = self.send(_page_of(call, cursor))
            yield answer
            if not answer.get("has_more"):
                return
            cursor = answer.get("next_cursor")
            if not isinstance(cursor, str):
                raise failure(Code.NOTION_UNREACHABLE, detail="the answer says that there is more, but not where")

    def objects(self, call: Call, *, limit: int) -> Iterator[JsonObject]:
        """The objects of a paged list, `limit` at most, asked for as they are taken."""
        return islice((item for answer in self.answers(call) for item in results(answer)), limit)

    def _keep_trying(self, call: Call, *, look: Look | None) -> JsonObject:
        token = self._tokens.access_token(self._connection_id)
        patience_s, failures, refreshed = self._persistence.patience_s, 0, False
        while True:
            patience_s -= self._wait_at_the_gate(patience_s)
            try:
                return self._once(call, token)
            except call_errors() as error:
                logger.info("%s %s: %s", call.method, call.path, describe(error))
                match verdict(error):
                    case Verdict.SLOW_DOWN:
                        self._gate.shut(retry_after_s(error))
                    case Verdict.UNAUTHORIZED if not refreshed:
                        token, refreshed = self._tokens.refresh(self._connection_id, token), True
                    case Verdict.UNAUTHORIZED:
                        raise failure(Code.NOT_CONNECTED, detail=describe(error)) from error
                    case Verdict.REFUSED:
                        raise refusal(error, call.subject) from error
                    case Verdict.UNSURE:
                        failures += 1
                        if look is not None and (found := look()) is not None:
                            return found
                        if failures >= self._persistence.attempts:
                            raise failure(Code.NOTION_UNREACHABLE, detail=describe(error)) from error
                        time.sleep(self._persistence.backoff_s * 2 ** (failures - 1))

    def _wait_at_the_gate(self, patience_s: float) -> float:
        """Wait until the gate is open; returns for how long that was. Raises `notion_busy` if it takes too long."""
        waited_s = 0.0
        while (shut_s := self._gate.opens_in_s()) > 0:
            if waited_s + shut_s > patience_s:
                raise failure(Code.NOTION_BUSY, detail="Notion asks to slow down", retry_after_s=shut_s)
            time.sleep(shut_s)
            waited_s += shut_s
        return waited_s

    def _once(self, call: Call, token: str) -> JsonObject:
        answer: Any = self._client.request(
            path=call.path, method=call.method, query=call.query, body=call.body, form_data=call.form, auth=token
        )
        if not isinstance(answer, dict):
            raise ValueError("the answer is no JSON object")
        return answer


def results(answer: JsonObject) -> list[JsonObject]:
    """The objects of a list's answer. Raises `notion_unreachable` where it is no list: never an empty one instead."""
    found = answer.get("results")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise failure(Code.NOTION_UNREACHABLE, detail="the answer has no list of results")
    return found


def read(parse: Callable[[JsonObject], T], answer: JsonObject) -> T:
    """What `parse` makes of an answer. Raises `notion_unreachable` where the answer isn't what Notion answers."""
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise failure(Code.NOTION_UNREACHABLE, detail=f"not understood: {type(error).__name__}") from error


def _page_of(call: Call, cursor: str | None) -> Call:
    paging = {"page_size": PAGE_SIZE} | ({"start_cursor": cursor} if cursor else {})
    if call.method == "GET":
        return replace(call, query=(call.query or {}) | paging)
    return replace(call, body=(call.body or {}) | paging)
