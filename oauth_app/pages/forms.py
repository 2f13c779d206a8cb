"""Forms of the pages, validated by the schemas of the API."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from oauth_app.errors import Refusal, refusal
from svp_dagster.errors import SvpError

Model = TypeVar("Model", bound=BaseModel)

_LABELS = {
    "database": "Database",
    "parent_page": "Page",
    "processing_type": "How much",
    "prompt": "Schema prompt",
    "tag": "Tag",
    "template": "Kind",
    "url": "Link",
}
LINK_SUFFIX = "_link"
"""A field with this suffix wins over the one without: a pasted link over a choice."""


def given() -> dict[str, str]:
    """Return the fields of the form that a person filled in."""
    values = {name: value.strip() for name, value in request.form.items() if name != "csrf_token"}
    pasted = {name.removesuffix(LINK_SUFFIX): value for name, value in values.items() if name.endswith(LINK_SUFFIX)}
    kept = {name: value for name, value in values.items() if not name.endswith(LINK_SUFFIX)}
    return {name: value for name, value in (kept | {n: v for n, v in pasted.items() if v}).items() if value}


def read(model: type[Model], values: dict[str, Any]) -> Model:
    """Return the form as a value. Raises a `Refusal` that names each field that doesn't fit."""
    try:
        return model.model_validate({name: value for name, value in values.items() if name in model.model_fields})
    except ValidationError as error:
        details = tuple(dict.fromkeys(_words(found) for found in error.errors(include_url=False, include_input=False)))
        raise Refusal(422, "invalid_request", "Something is missing or doesn't fit.", details=details) from error


def as_refusal(error: Refusal | SvpError) -> Refusal:
    """Return either error as a `Refusal`."""
    return error if isinstance(error, Refusal) else refusal(error)


def _words(found: Any) -> str:
    field = str(found["loc"][0]) if found["loc"] else ""
    label = _LABELS.get(field, field)
    if found["type"] in ("missing", "string_too_short"):
        return f"{label} is missing."
    if found["type"] == "string_too_long":
        return f"{label} is longer than {found['ctx']['max_length']} characters."
    return f"{label} {found['msg'].removeprefix('Value error, ')}."
