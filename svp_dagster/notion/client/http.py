"""Calls to Notion's API that return a response or raise a failure of the table.

The SDK's own retries are off. Here a call

- waits while Notion asks its connection to slow down (429, 529), together with all other threads of the connection;
- is repeated after an outage, a conflict or a lost response, if that can't have its effect twice or if a look showed
  that it had none;
- gets a new token once when Notion no longer accepts the old one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.failures import (
    WORKSPACE,
    ErrorKind,
    Subject,
    call_errors,
    classify,
    describe,
    is_worded,
    refusal,
    report_unknown,
    retry_after_s,
)
from svp_dagster.notion.client.responses import results
from svp_dagster.notion.client.throttle import ThrottleGate

if TYPE_CHECKING:
    from notion_client import Client

PAGE_SIZE = 100
DEFAULT_RETRY_AFTER_S = 2
"""The wait where Notion asks to slow down without naming a time."""

logger = logging.getLogger(__name__)

Look = Callable[[], JsonObject | None]
"""Looks whether a write whose response was lost had its effect: the response that Notion would have given, or None."""


class Tokens(Protocol):
    """Source of access tokens."""

    def access_token(self, connection_id: str) -> str:
        """Return the connection's token. Raises `not_connected`."""

    def refresh(self, connection_id: str, stale: str) -> str:
        """Return a token that replaces `stale`, which Notion no longer accepts. Raises `not_connected`."""


@dataclass(frozen=True, kw_only=True)
class RetryConfig:
    """How long to go on with a call.

    `attempts` is how often it is tried in an outage, with `backoff_s` after the first attempt, doubled after each.
    `max_throttle_wait_s` is the longest wait in all where Notion asks to slow down; then the call is postponed.
    """

    attempts: int
    backoff_s: float
    max_throttle_wait_s: float


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. `path` is without `/v1/`. `subject` is what is missing if Notion finds nothing."""

    method: str
    path: str
    subject: Subject = WORKSPACE
    query: JsonObject | None = None
    body: JsonObject | None = None
    form: JsonObject | None = None


class Calls:
    """The calls of one connection. Thread-safe."""

    def __init__(
        self,
        client: Client,
        *,
        connection_id: str,
        tokens: Tokens,
        gate: ThrottleGate,
        retries: RetryConfig,
        spacing_s: float = 0.0,
    ) -> None:
        self._client = client
        self._connection_id = connection_id
        self._tokens = tokens
        self._gate = gate
        self._retries = retries
        self._spacing_s = spacing_s

    def send(self, call: Call) -> JsonObject:
        """Send a call that may be repeated without harm: a read, or a write that sets what is set already.

        Raises `notion_busy`, `notion_unreachable`, `not_connected`, and what `refusal` makes of a refusal.
        """
        return self._send_with_retries(call, look=None)

    def send_once(self, call: Call, *, look: Look) -> JsonObject:
        """Send a call that must not have its effect twice.

        After a lost response, `look` finds out whether the call had its effect before it is repeated. Raises what
        `send` and `look` raise.
        """
        return self._send_with_retries(call, look=look)

    def pages(self, call: Call) -> Iterator[JsonObject]:
        """Yield the responses of a paginated list, each requested when it is needed."""
        cursor: str | None = None
        while True:
            response = self.send(_at_cursor(call, cursor))
            yield response
            if not response.get("has_more"):
                return
            cursor = response.get("next_cursor")
            if not isinstance(cursor, str):
                raise failure(Code.NOTION_UNREACHABLE, detail="the response has more, but no cursor")

    def objects(self, call: Call, *, limit: int) -> Iterator[JsonObject]:
        """Yield the objects of a paginated list, at most `limit`."""
        return islice((item for response in self.pages(call) for item in results(response)), limit)

    def _send_with_retries(self, call: Call, *, look: Look | None) -> JsonObject:
        time.sleep(self._spacing_s)
        token = self._tokens.access_token(self._connection_id)
        throttle_wait_s, failures, refreshed = self._retries.max_throttle_wait_s, 0, False
        while True:
            throttle_wait_s -= self._gate.wait(at_most_s=throttle_wait_s)
            try:
                return self._attempt(call, token)
            except call_errors() as error:
                logger.info("%s %s: %s", call.method, call.path, describe(error))
                match classify(error):
                    case ErrorKind.THROTTLED:
                        self._gate.close_for(retry_after_s(error) or DEFAULT_RETRY_AFTER_S)
                    case ErrorKind.UNAUTHORIZED if not refreshed:
                        token, refreshed = self._tokens.refresh(self._connection_id, token), True
                    case ErrorKind.UNAUTHORIZED:
                        raise failure(Code.NOT_CONNECTED, detail=describe(error)) from error
                    case ErrorKind.REFUSED:
                        raise refusal(error, call.subject) from error
                    case ErrorKind.BLOCKED:
                        raise failure(Code.NOTION_BLOCKED, detail=describe(error)) from error
                    case ErrorKind.UNKNOWN_OUTCOME:
                        if not is_worded(error):
                            report_unknown(error)
                        failures += 1
                        if look is not None and (found := look()) is not None:
                            return found
                        if failures >= self._retries.attempts:
                            raise failure(Code.NOTION_UNREACHABLE, detail=describe(error)) from error
                        time.sleep(self._retries.backoff_s * 2 ** (failures - 1))

    def _attempt(self, call: Call, token: str) -> JsonObject:
        response: Any = self._client.request(
            path=call.path, method=call.method, query=call.query, body=call.body, form_data=call.form, auth=token
        )
        if not isinstance(response, dict):
            raise ValueError("the response is no JSON object")
        return response


def _at_cursor(call: Call, cursor: str | None) -> Call:
    paging = {"page_size": PAGE_SIZE} | ({"start_cursor": cursor} if cursor else {})
    if call.method == "GET":
        return replace(call, query=(call.query or {}) | paging)
    return replace(call, body=(call.body or {}) | paging)
