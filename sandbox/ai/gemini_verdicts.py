"""Answers a prompt that lists numbered objects and asks for a verdict on each: a stand-in for a model that judges.

It says yes where an object's value, or the column of a check mark, shares a number or the beginning of a word with its
quote or passage.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.ai.quotable import leaves, stems

_BLOCK = re.compile(r"<(?P<name>[A-Za-z][\w-]*)>\s*(?P<text>\{.*?\})\s*</(?P=name)>", re.DOTALL)
_NUMBER = re.compile(r"\d+")


def build_verdicts(schema: Any, *, prompt: str) -> dict[str, Any] | None:
    """Return a verdict for each numbered object of the prompt, None if the schema asks for something else."""
    wanted = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for name, part in wanted.items():
        kinds = part.get("items", {}).get("properties", {}) if part.get("type") == "array" else {}
        flags = [key for key, kind in kinds.items() if kind.get("type") == "boolean"]
        if "id" in kinds and flags:
            # Assumed: a model gives a verdict for each object, by its id. If wrong: one without a verdict stays as
            # the rules decided. Check: none.
            return {name: [{"id": one["id"]} | dict.fromkeys(flags, _fits(one)) for one in _numbered(prompt)]}
    return None


def _numbered(prompt: str) -> Iterator[dict[str, Any]]:
    for block in _BLOCK.finditer(prompt):
        try:
            content = json.loads(block["text"])
        except ValueError:
            continue
        for listed in content.values():
            yield from (one for one in listed if isinstance(one, dict) and "id" in one)


def _fits(one: dict[str, Any]) -> bool:
    value = one.get("value")
    said = str(one.get("column")) if isinstance(value, bool) else " ".join(str(leaf) for leaf in leaves(value))
    rest = " ".join(str(leaf) for name in ("quote", "passage") for leaf in leaves(one.get(name)))
    return bool(stems(said) & stems(rest) or set(_NUMBER.findall(said)) & set(_NUMBER.findall(rest)))
