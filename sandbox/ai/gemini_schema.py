"""Which JSON Schemas Gemini takes as `responseJsonSchema`.

Beyond its documented keywords Gemini refuses schemas that are too large, without saying where the limits are.
The ones here are cautious readings of what people ran into; a schema that passes is well inside.
"""

import json
from typing import Any

# Source: ai.google.dev/gemini-api/docs/structured-output, JSON Schema support.
_KEYWORDS = {
    "$defs", "$ref", "$id", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
    "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties",
    "required", "propertyOrdering",
}  # fmt: skip
_IGNORED_KEYWORDS = {"minLength", "maxLength", "pattern"}
_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}

# Assumed: schemas beyond these sizes are refused, and smaller ones pass. If wrong: a summary is asked for once more
# without its schema. Check: gemini: schema.
_LARGEST_SCHEMA_CHARACTERS = 30_000
_DEEPEST_NESTING = 6
_MOST_ENUM_VALUES = 200
_LARGEST_MAX_ITEMS_SUM = 900
# Source: error bodies of generateContent in public issue threads: "too many states for serving".
_TOO_MANY_STATES = (
    "The specified schema produces a constraint that has too many states for serving. Typical causes are schemas "
    "with lots of text, long array length limits, or complex value matchers."
)


class UnusableSchemaError(Exception):
    """The schema is one that Gemini refuses; the message is its."""


def check_schema(schema: Any) -> None:
    """Raises UnusableSchemaError for what Gemini wouldn't take."""
    if not isinstance(schema, dict):
        raise UnusableSchemaError("response_json_schema must be an object.")
    if len(json.dumps(schema)) > _LARGEST_SCHEMA_CHARACTERS:
        raise UnusableSchemaError(_TOO_MANY_STATES)
    walk = _Walk(schema)
    walk.check(schema, path="response_json_schema", depth=0, open_refs=())
    if walk.enum_values > _MOST_ENUM_VALUES or walk.max_items_sum > _LARGEST_MAX_ITEMS_SUM:
        raise UnusableSchemaError(_TOO_MANY_STATES)


def resolve(ref: str, *, root: dict[str, Any]) -> Any:
    """What a `$ref` inside `root` points to, None if there is nothing."""
    found: Any = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step) if isinstance(found, dict) else None
    return found


class _Walk:
    """One pass through a schema, references followed."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self.enum_values = 0
        self.max_items_sum = 0

    def check(self, schema: Any, *, path: str, depth: int, open_refs: tuple[str, ...]) -> None:
        if not isinstance(schema, dict):
            raise UnusableSchemaError(f"Invalid value at '{path}': a schema must be an object.")
        _check_keywords(schema, path=path)
        if depth > _DEEPEST_NESTING:
            raise UnusableSchemaError(
                "A schema in GenerationConfig in the request exceeds the maximum allowed nesting depth."
            )
        self.enum_values += len(schema.get("enum", ()))
        self.max_items_sum += schema.get("maxItems", 0)
        if "$ref" in schema:
            self._check_ref(schema, path=path, depth=depth, open_refs=open_refs)
        for name, part in _parts(schema):
            self.check(part, path=f"{path}.{name}", depth=depth + (name != "anyOf"), open_refs=open_refs)
        self._check_properties(schema, path=path, depth=depth, open_refs=open_refs)

    def _check_ref(self, schema: dict[str, Any], *, path: str, depth: int, open_refs: tuple[str, ...]) -> None:
        ref = schema["$ref"]
        # Source: ai.google.dev/gemini-api/docs/structured-output: nothing but $-properties beside $ref.
        if any(not name.startswith("$") for name in schema):
            raise UnusableSchemaError(f"Invalid value at '{path}': nothing may stand beside $ref.")
        if ref in open_refs:
            raise UnusableSchemaError(f"Invalid value at '{path}': a required property leads back to {ref}.")
        target = resolve(ref, root=self._root)
        if target is None:
            raise UnusableSchemaError(f"Invalid value at '{path}': {ref} is not defined.")
        self.check(target, path=path, depth=depth, open_refs=(*open_refs, ref))

    def _check_properties(self, schema: dict[str, Any], *, path: str, depth: int, open_refs: tuple[str, ...]) -> None:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if missing := set(required) - set(properties):
            raise UnusableSchemaError(f"{path}.required: property is not defined: {sorted(missing)}")
        for name, part in properties.items():
            if name not in required and isinstance(part, dict) and part.get("$ref") in open_refs:
                continue  # a loop that the model may leave
            self.check(part, path=f"{path}.properties[{name}]", depth=depth + 1, open_refs=open_refs)


def _check_keywords(schema: dict[str, Any], *, path: str) -> None:
    for name in schema:
        if name not in _KEYWORDS | _IGNORED_KEYWORDS:
            raise UnusableSchemaError(
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."
            )
    types = schema.get("type", [])
    for kind in [types] if isinstance(types, str) else types:
        if kind not in _TYPES:
            raise UnusableSchemaError(f"Invalid value at '{path}.type': \"{kind}\"")
    if schema.get("type") == "array" and not {"items", "prefixItems"} & set(schema):
        raise UnusableSchemaError(f"{path}.items: missing field.")


def _parts(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Sub-schemas by keyword, properties aside. `$defs` are checked where they are used."""
    parts = [("anyOf", part) for keyword in ("anyOf", "oneOf") for part in schema.get(keyword, ())]
    parts += [("prefixItems", part) for part in schema.get("prefixItems", ())]
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            parts.append((keyword, schema[keyword]))
    return parts
