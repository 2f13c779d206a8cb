"""Bodies of the API: JSON objects that every reader understands in the same way."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from flask import current_app, request
from flask.json.provider import DefaultJSONProvider

from oauth_app.errors import Refusal

_TAKE_A_BODY = ("POST", "PUT", "PATCH")


class UnusableJson(ValueError):
    """JSON that Python would read, or break at, but that isn't taken. The text is a sentence for people."""


class StrictJson(DefaultJSONProvider):
    """The app's JSON. It refuses what is beyond the standard, or read differently by different programs."""

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Return the value. Raises `ValueError`."""
        try:
            return json.loads(s, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_object)
        except RecursionError:
            raise UnusableJson("The JSON is nested too deeply.") from None


def require_json_object() -> None:
    """Refuse a request whose body isn't a JSON object. An empty body is left to the schema of the operation."""
    may_have_one = request.method in _TAKE_A_BODY or request.content_length
    if may_have_one and (request.content_encoding or (request.mimetype and not request.is_json)):
        raise Refusal(415, "not_json", "Send the body as application/json, and not compressed.")
    # The schemas would read an invalid body as an empty object.
    if request.get_data() and not isinstance(_json(), dict):
        raise Refusal(400, "no_json", "The body must be a JSON object, sent as application/json.")


def _json() -> Any:
    if not request.is_json:
        return None
    try:
        return current_app.json.loads(request.get_data())
    except UnusableJson as error:
        raise Refusal(400, "no_json", str(error)) from error
    except ValueError:
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise UnusableJson(f"The JSON holds {name}, which is no number of JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise UnusableJson("The JSON holds a number that is too large.")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise UnusableJson("An object of the JSON has the same key twice.")
    return made
