"""Notion's webhooks: a change in a Link Database makes its connection due, so that the sensor polls within seconds.

An event only means "poll now": what changed is read from Notion, so events that come twice, late or out of order do
no harm. Polling goes on beside them.

Set-up: Notion sends a verification token once, which a person pastes back at Notion. Anybody else can post one too. So
*offered* tokens are shown on the operator's page side by side, and the one that the operator confirms becomes the one
that signatures are checked with. From then on no other is taken until the operator starts over.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Annotated, Literal
from uuid import UUID

from flask import Blueprint, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oauth_app.description import answers, spec
from oauth_app.errors import Refusal
from oauth_app.security import client_network, limiter
from oauth_app.services import services
from svp_dagster.models import Value

logger = logging.getLogger(__name__)

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

LIMIT = "600 per minute"


class _NotionModel(BaseModel):
    """A part of Notion's JSON. Unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Handshake(_NotionModel):
    """What Notion sends at set-up."""

    verification_token: Annotated[str, Field(min_length=8, max_length=500)]


class Reference(_NotionModel):
    """Something that an event is about or in."""

    id: UUID
    type: str = ""
    data_source_id: UUID | None = None


class Data(_NotionModel):
    """Where the change happened."""

    parent: Reference | None = None


class Event(_NotionModel):
    """A change. Its content is not in it."""

    type: str
    entity: Reference
    data: Data = Data()
    authors: tuple[Reference, ...] = ()

    @property
    def data_source_id(self) -> str | None:
        """Return the data source that changed, or whose row did."""
        parent = self.data.parent
        if self.type.startswith("data_source."):
            return str(self.entity.id)
        if not self.type.startswith("page.") or parent is None:
            return None
        if parent.data_source_id is not None:
            return str(parent.data_source_id)
        return str(parent.id) if parent.type == "data_source" else None


class Received(Value):
    """The outcome of a request. `connections` is how many will be polled."""

    outcome: Literal["token_offered", "noted"]
    connections: int = 0


@blueprint.post("/notion")
@limiter.limit(LIMIT)
@spec.validate(resp=answers(200, Received, 401, 409, 422), tags=["Webhooks"], security={})
def receive() -> Received:
    """Take Notion's set-up handshake, or a signed event."""
    raw, signature = request.get_data(), request.headers.get("X-Notion-Signature")
    handshake = _handshake(raw)
    if handshake is not None:
        return _take_offer(handshake, raw, signature)
    if signature is None:
        raise Refusal(401, "signature_missing", "Events must carry the header X-Notion-Signature.")
    return _take_event(raw, signature)


def signature_of(raw: bytes, token: str) -> str:
    """Return Notion's signature of a body."""
    return "sha256=" + hmac.new(token.encode(), raw, hashlib.sha256).hexdigest()


def _handshake(raw: bytes) -> Handshake | None:
    """Return the handshake in a body; None for anything else, such as an event."""
    try:
        return Handshake.model_validate_json(raw)
    except ValidationError:
        return None


def _take_offer(offered: Handshake, raw: bytes, signature: str | None) -> Received:
    # Source: makenotion/notion-sdk-js README on webhooks and PR 722: the handshake is signed with its own token. Others
    # describe it unsigned.
    if signature is not None:
        _require_signature(raw, signature, token=offered.verification_token)
    tokens, address = services().store.webhook_tokens, client_network()
    if tokens.in_use() is not None:
        raise Refusal(409, "already_set_up", "Webhooks are set up. The operator can start over on the operator's page.")
    if not tokens.offer(offered.verification_token, address=address, now=services().now()):
        raise Refusal(409, "too_many_offers", "Too many tokens wait already. The operator can discard them.")
    logger.info("a webhook verification token was offered from %s; it is on the operator's page", address)
    return Received(outcome="token_offered")


def _take_event(raw: bytes, signature: str) -> Received:
    confirmed = services().store.webhook_tokens.in_use()
    if confirmed is None:
        raise Refusal(401, "not_set_up", "Webhooks are not set up: the operator has to confirm the token first.")
    _require_signature(raw, signature, token=confirmed.token)
    try:
        event = Event.model_validate_json(raw)
    except ValidationError as error:
        raise Refusal(422, "not_an_event", "The body is signed, but no event that is understood.") from error
    return Received(outcome="noted", connections=_note(event))


def _require_signature(raw: bytes, signature: str, *, token: str) -> None:
    if not hmac.compare_digest(signature_of(raw, token).encode(), signature.encode()):
        raise Refusal(401, "signature_wrong", "The signature doesn't fit the body.")


def _note(event: Event) -> int:
    """Make the connections due whose Link Database changed. Return how many."""
    store, source = services().store, event.data_source_id
    if source is None or _is_our_own(event):
        return 0
    count = store.databases.announced(source, now=services().now())
    logger.info("event %s: %d connections are due", event.type, count)
    return count


def _is_our_own(event: Event) -> bool:
    """Return whether a connection's own bot made the change. Otherwise each status we write would cause a poll."""
    authors = {str(author.id) for author in event.authors}
    return bool(authors) and authors <= services().store.connections.bots(authors)
