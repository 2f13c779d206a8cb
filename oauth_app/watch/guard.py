"""Who may read the metrics: they tell how large the installation is, what it costs and what is wrong with it."""

from __future__ import annotations

import hmac

from flask import request

from oauth_app import identity
from oauth_app.errors import Refusal
from oauth_app.services import services
from svp_dagster.settings import Settings
from svp_dagster.store.store import operator_key

_BEARER = "bearer "


def require_monitor() -> None:
    """Refuse whoever has neither the token of the metrics nor, without one, the operator's key."""
    given = request.headers.get("Authorization", "")
    token = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
    if not hmac.compare_digest(token.encode(), _expected(services().settings).encode()) and not identity.is_operator():
        raise Refusal(401, "not_the_operator", "Send the token of the metrics, or the operator's key, as bearer token.")


def _expected(settings: Settings) -> str:
    return settings.metrics_token.get_secret_value() if settings.metrics_token else operator_key(settings)
