"""The API's description: `/openapi.json`, and a page of it for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from pydantic import BaseModel, ValidationError
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData

from oauth_app.errors import Problem, Refusal

blueprint = Blueprint("description", __name__)

TITLE = "Social Video Processor"
VERSION = "1.0.0"
WORDS = (
    "Links and databases, for scripts. Send a personal API token (made on the page *Settings*) as `Authorization: "
    "Bearer svp_…`. A token has one or more of the scopes `read` (see what is there, and export all of it), "
    "`add_links` (add links and uploads, and retry them) and `manage` (make, register and change databases, delete "
    "uploads); each operation names "
    "the one that it needs, and answers `403` with the error `scope_missing` without it. No token can make tokens, "
    "sign in or disconnect. Where the operator set up an identity provider, its tokens (JWTs) are taken in the same "
    "header: who sends one is a person and needs no scope. With a session cookie instead, requests that change "
    "something need the header `X-CSRFToken`."
)


def _refuse_invalid(_request: Any, _answer: Any, error: Exception | None, *_: Any) -> None:
    """Raise our own error for a request that doesn't fit its schema. It says where, never what was sent."""
    if not isinstance(error, ValidationError):
        return
    found = error.errors(include_url=False, include_input=False, include_context=False)
    details = tuple(f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}" for item in found)
    raise Refusal(422, "invalid_request", "The request doesn't fit its description.", details=details)


def _ignore(*_: Any) -> None:
    """Replace a hook that would write whole payloads into the log."""


_A_COOKIE = "session cookie"
"""Stands for the cookie's name, which depends on the app's settings."""

spec = SpecTree(
    "flask",
    title=TITLE,
    version=VERSION,
    description=WORDS,
    mode="strict",
    path="openapi",
    page_templates={},
    annotations=True,
    before=_refuse_invalid,
    after=_ignore,
    validation_error_model=Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    security_schemes=[
        SecurityScheme(name="token", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")),
        SecurityScheme(
            name="jwt",
            data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer", bearer_format="JWT"),
        ),
        SecurityScheme(
            name="session",
            data=SecuritySchemeData(type=SecureType.API_KEY, name=_A_COOKIE, field_in=InType.COOKIE),
        ),
    ],
    security=[{"token": []}, {"jwt": []}, {"session": []}],
)
"""Validates requests and answers, and gathers the description. It speaks pydantic, as the store does."""


def answers(
    status: int, model: type[BaseModel] | None, *errors: int, extra: dict[int, type[BaseModel] | None] | None = None
) -> Answers:
    """Return the answers of an operation: its success, its own errors, and those that all operations have."""
    of_a_body = (413, 415) if 422 in errors else ()
    models: dict[str, Any] = {f"HTTP_{code}": Problem for code in (*errors, *of_a_body, 400, 429, 503)}
    models |= {f"HTTP_{code}": other for code, other in (extra or {}).items()}
    models[f"HTTP_{status}"] = model
    return Answers(**models)


def init_app(app: Flask) -> None:
    """Serve the description."""
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def document() -> Response:
    """Return the description for machines."""
    return jsonify(_described())


@blueprint.get("/api")
def show() -> str:
    """Return the description for people."""
    return render_template("description/show.html", document=_described())


def _described() -> dict[str, Any]:
    document: dict[str, Any] = spec.spec
    parts = document["components"]
    session = parts["securitySchemes"]["session"] | {"name": current_app.config["SESSION_COOKIE_NAME"]}
    schemes = parts["securitySchemes"] | {"session": session}
    return document | {"components": parts | {"securitySchemes": schemes}}
