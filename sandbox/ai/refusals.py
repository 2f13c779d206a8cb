"""How the services say no: the bodies that their SDKs turn into exceptions.

A key is good unless it is missing or holds the word `invalid`; one of Google's with the word `disabled` belongs to a
project in which the API isn't enabled.
"""

from typing import Any

from flask import request

_WRONG_KEY_MARK = "invalid"
_DISABLED_MARK = "disabled"
_TITLES = {
    "generativelanguage.googleapis.com": "Generative Language API",
    "vision.googleapis.com": "Cloud Vision API",
}


class Refused(Exception):
    """Answers the request with `status` and `body` instead of carrying it out."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def openai_refusal(
    status: int, message: str, *, code: str | None = None, param: str | None = None, kind: str = "invalid_request_error"
) -> Refused:
    """A refusal in OpenAI's shape."""
    # Source: openai 3.52, _exceptions.py: message, type, param and code.
    return Refused(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def google_refusal(code: int, status: str, message: str, *, details: list[dict[str, Any]] | None = None) -> Refused:
    """A refusal in the shape of Google's REST APIs."""
    # Source: cloud.google.com/apis/design/errors: code, message, status, details.
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    return Refused(code, {"error": error | ({"details": details} if details else {})})


def require_openai_key() -> None:
    """Raises 401 unless the request carries a good bearer key."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise openai_refusal(401, "You didn't provide an API key. Send it in the Authorization header.")
    if _WRONG_KEY_MARK in key:
        shown = f"{key[:3]}{'*' * 8}{key[-4:]}"
        # Source: platform.openai.com/docs/guides/error-codes: 401 invalid_api_key.
        raise openai_refusal(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


def require_google_key(service: str) -> None:
    """Raises 403 without a key and 400 for a wrong one. A bearer token of a service account is taken as it is."""
    key = request.headers.get("x-goog-api-key") or request.args.get("key", "")
    if not key and request.headers.get("authorization", "").startswith("Bearer "):
        return
    if not key:
        raise google_refusal(
            403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers. Please use an API key."
        )
    if _WRONG_KEY_MARK in key:
        # Source: error bodies of Google APIs in public issue threads: 400 with API_KEY_INVALID.
        message = "API key not valid. Please pass a valid API key."
        raise google_refusal(400, "INVALID_ARGUMENT", message, details=[_reason("API_KEY_INVALID", service)])
    if _DISABLED_MARK in key:
        # Source: error bodies of Google APIs in public repositories; cloud.google.com/apis/design/errors, ErrorInfo.
        page = f"https://console.developers.google.com/apis/api/{service}/overview?project=123456789012"
        message = f"{_TITLES[service]} has not been used in project 123456789012 before or it is disabled. "
        message += f"Enable it by visiting {page} then retry. If you enabled this API recently, wait a few minutes for "
        message += "the action to propagate to our systems and retry."
        raise google_refusal(403, "PERMISSION_DENIED", message, details=[_reason("SERVICE_DISABLED", service)])


def _reason(reason: str, service: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": service},
    }
