"""Notion's own description of its API, as a check of the requests that we send.

The file is Notion's and stays outside the repository, in a folder `shared` beside it. Where it is absent, a test
that needs it is skipped.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DESCRIPTION = Path(__file__).parents[2] / "shared" / "data" / "notion-openapi-2026-03.json"
_URI = "urn:notion"


def require_description() -> None:
    """Skip the calling test where the description is absent."""
    if not DESCRIPTION.exists():
        pytest.skip(f"Notion's OpenAPI description is not at {DESCRIPTION}")


def assert_valid_request(method: str, path: str, body: Any) -> None:
    """Assert that Notion's description knows `method` on `path` (with or without `/v1`) and accepts the JSON `body`.

    A request without a JSON body has `body=None`. Multipart bodies are not described by JSON: pass None for them.
    """
    require_description()
    template = _template(method.lower(), _versioned(path))
    assert template is not None, f"Notion has no {method} {path}"
    pointer = _body_pointer(template, method.lower())
    if pointer is None:
        assert not body, f"{method} {path} takes no JSON body"
        return
    error = best_match(_validator(pointer).iter_errors(body))
    assert error is None, f"{method} {path}: {error.json_path}: {error.message[:500]}"


def _versioned(path: str) -> str:
    return path if path.startswith("/v1/") else "/v1/" + path.lstrip("/")


@cache
def _description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return loaded


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Path templates, those with fewer variables first: `/v1/users/me` before `/v1/users/{user_id}`."""
    templates = sorted(_description()["paths"], key=lambda template: template.count("{"))
    return tuple((template, re.compile(re.sub(r"\{\w+\}", "[^/]+", template))) for template in templates)


def _template(method: str, path: str) -> str | None:
    paths = _description()["paths"]
    return next((name for name, pattern in _patterns() if pattern.fullmatch(path) and method in paths[name]), None)


def _body_pointer(template: str, method: str) -> str | None:
    content = _description()["paths"][template][method].get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    escaped = template.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    return f"/paths/{escaped}/{method}/requestBody/content/application~1json/schema"


@cache
def _validator(pointer: str) -> Draft202012Validator:
    resource = Resource.from_contents(_description(), default_specification=DRAFT202012)
    registry = Registry[Any]().with_resource(_URI, resource)
    return Draft202012Validator({"$ref": f"{_URI}#{pointer}"}, registry=registry)
