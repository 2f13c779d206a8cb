"""Tells subscribers of changes, as Notion does: a handshake, then signed events that hold no content.

A subscription can be told to misbehave as Notion's may: late, twice, out of order.
"""

import hashlib
import hmac
import json
import logging
import queue
import secrets
import threading
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sandbox.notion.state.session import LATEST_VERSION, Event, new_id
from sandbox.notion.state.store import Json

logger = logging.getLogger(__name__)

# Source: developers.notion.com/reference/webhooks-events-delivery: up to 8 attempts, in about a day.
MOST_ATTEMPTS = 8
_TIMEOUT_S = 5.0
_STOP_LIMIT_S = 2 * _TIMEOUT_S


@dataclass
class Subscription:
    """Who is told. `delay_s` is waited before each delivery, `copies` of each are sent, `retry_s` lies between
    attempts; `paused` events are kept and sent, last first, once it is not. `is_handshake_signed`: the request that
    carries the token is signed with it."""

    id: str
    url: str
    verification_token: str
    workspace_id: str | None
    is_handshake_signed: bool = True
    delay_s: float = 0.0
    copies: int = 1
    retry_s: float = 1.0
    paused: bool = False
    waiting: list[Json] = field(default_factory=list)


@dataclass
class Delivery:
    """One attempt: `status` is None where there was no answer."""

    subscription_id: str
    event_id: str | None
    type: str
    attempt_number: int
    status: int | None


class Webhooks:
    """The subscriptions, and one thread that delivers. Thread-safe; nothing runs until somebody subscribes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: dict[str, Subscription] = {}
        self._deliveries: list[Delivery] = []
        self._sent: dict[str, Json] = {}
        self._queue: queue.Queue[tuple[Subscription, Json] | None] = queue.Queue()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def subscribe(self, url: str, *, workspace_id: str | None, is_handshake_signed: bool = True) -> Subscription:
        """Adds a subscription, of one workspace or all, and sends it its verification token."""
        token = f"secret_{secrets.token_urlsafe(32)}"
        made = Subscription(new_id(), url, token, workspace_id, is_handshake_signed)
        with self._lock:
            self._subscriptions[made.id] = made
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox:webhooks", daemon=True)
                self._thread.start()
        self._queue.put((made, {"verification_token": made.verification_token}))
        return made

    def behave(self, subscription_id: str, changes: Json) -> Subscription:
        """Sets `delay_s`, `copies`, `retry_s` or `paused`; raises KeyError for an unknown subscription."""
        with self._lock:
            found = self._subscriptions[subscription_id]
            for name in ("delay_s", "copies", "retry_s", "paused"):
                setattr(found, name, changes.get(name, getattr(found, name)))
            held, found.waiting = ([], found.waiting) if found.paused else (found.waiting, [])
        for event in reversed(held):
            self._queue.put((found, event))
        return found

    def unsubscribe(self, subscription_id: str) -> None:
        """Forgets a subscription."""
        with self._lock:
            self._subscriptions.pop(subscription_id, None)

    def resend(self, event_id: str) -> None:
        """Sends an event once more to whom it was meant for; raises KeyError for an unknown one."""
        with self._lock:
            event = self._sent[event_id]
            found = self._subscriptions[event["subscription_id"]]
        self._queue.put((found, event))

    def publish(self, events: list[Event]) -> None:
        """Queues changes for every subscription that they concern."""
        with self._lock:
            subscriptions = list(self._subscriptions.values())
        for change in events:
            for found in subscriptions:
                if found.workspace_id not in (None, change.workspace_id):
                    continue
                event = _payload(found, change)
                with self._lock:
                    self._sent[event["id"]] = event
                    if found.paused:
                        found.waiting.append(event)
                        continue
                # Source: developers.notion.com/reference/webhooks-events-delivery: events may come twice and in another
                # order.
                for _ in range(found.copies):
                    self._queue.put((found, event))

    def as_json(self) -> Json:
        """The subscriptions and every delivery so far."""
        with self._lock:
            return {
                "subscriptions": [asdict(found) for found in self._subscriptions.values()],
                "deliveries": [asdict(done) for done in self._deliveries],
            }

    def stop(self) -> None:
        """Ends the thread; what is queued is lost."""
        self._stopped.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_LIMIT_S)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopped.is_set():
            found, event = job
            if found.id in self._subscriptions and not self._stopped.wait(found.delay_s):
                self._deliver(found, event)

    def _deliver(self, found: Subscription, event: Json) -> None:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            if "id" in event:
                event = event | {"attempt_number": attempt}
            status = _post(found, event)
            with self._lock:
                done = Delivery(found.id, event.get("id"), event.get("type", "verification"), attempt, status)
                self._deliveries.append(done)
            if status is not None and status < 300:
                return
            if self._stopped.wait(found.retry_s):
                return


def signature(verification_token: str, raw: bytes) -> str:
    """The value of `X-Notion-Signature` for a body."""
    # Source: developers.notion.com/reference/webhooks: HMAC-SHA256 of the raw body with the verification token.
    return "sha256=" + hmac.new(verification_token.encode(), raw, hashlib.sha256).hexdigest()


def _post(found: Subscription, event: Json) -> int | None:
    raw = json.dumps(event, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "notion-api"}
    # Source: developers.notion.com/reference/webhooks: X-Notion-Signature; makenotion/notion-sdk-js README and PR 722:
    # the handshake is signed with its own token.
    # Assumed: the handshake may also come unsigned, as third parties describe it. If wrong: nothing, the product takes
    # both. Check: none.
    if found.is_handshake_signed or "verification_token" not in event:
        headers["X-Notion-Signature"] = signature(found.verification_token, raw)
    try:
        request = urllib.request.Request(found.url, raw, headers)  # noqa: S310 - the control route checks the scheme
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError as error:
        logger.info("webhook to %s was not delivered: %s", found.url, error)
        return None


def _payload(found: Subscription, change: Event) -> Json:
    return {
        "id": new_id(),
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "workspace_id": change.workspace_id,
        "workspace_name": "Sandbox",
        "subscription_id": found.id,
        "integration_id": "00000000-0000-4000-a000-00005a9db0c5",
        "authors": [{"id": change.author_id, "type": change.author_type}],
        "attempt_number": 1,
        "api_version": LATEST_VERSION,
        "entity": {"id": change.entity_id, "type": change.entity_type},
        "type": change.type,
        "data": change.data,
    }
