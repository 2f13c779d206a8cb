"""Operations that speak for a connection."""

from __future__ import annotations

from oauth_app import identity
from oauth_app.api.bodies import require_json_object
from oauth_app.security import csrf


def require_connection() -> None:
    """Refuse callers without a connection, forged requests of signed-in browsers, and bodies that are no JSON."""
    identity.connection()
    if not identity.has_api_token():
        # No browser adds an API token by itself, so a request with one can't be forged.
        csrf.protect()
    require_json_object()
