"""What one sandbox holds beside its routes; `state()` finds it from inside a request."""

from dataclasses import dataclass, field

from flask import Flask, current_app

from sandbox.faults import FaultPlan
from sandbox.notion.state.rate import RateLimit
from sandbox.notion.state.session import Clock
from sandbox.notion.state.store import Store
from sandbox.notion.state.webhooks import Webhooks

_KEY = "sandbox.notion"


@dataclass
class AppState:
    """The parts, and the choices that `create_app` was given.

    `redirect_uris` are the registered ones by client id. A client that registered none may use any that could be.
    """

    store: Store
    webhooks: Webhooks
    client: tuple[str, str] | None
    exact_times: bool
    query_limit: int
    oauth_errors: str
    faults: FaultPlan
    redirect_uris: dict[str, set[str]] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    rate: RateLimit = field(default_factory=RateLimit)


def register(app: Flask, parts: AppState) -> None:
    """Gives an app its state."""
    app.extensions[_KEY] = parts


def state() -> AppState:
    """The state of the app that handles this request."""
    found = current_app.extensions[_KEY]
    assert isinstance(found, AppState)
    return found
