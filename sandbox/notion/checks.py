"""A small language for request bodies, which refuses in Notion's words.

A check is called with a value and its path (`body.properties.Name`) and raises when the value does not fit.
Lengths are counted as JavaScript does (UTF-16 units), since Notion counts so: an emoji is two.
"""

import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.notion.errors import MISSING, NotionError, failed, mismatch, validation

Check = Callable[[Any, str], None]

# Source: recorded requests compared in November 2026: an id that is no UUID of the RFC is a 400 validation_error.
# Assumed: the nil UUID counts as one, as in the npm package uuid. If wrong: nothing that people see. Check: none.
_RFC_UUID = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[1-8][0-9a-f]{3}\1[89ab][0-9a-f]{3}\1[0-9a-f]{12}|0{8}(-?)(?:0{4}\2){3}0{12}", re.I
)


def anything(value: Any, path: str) -> None:
    """Takes every value."""


def text(*, longest: int | None = None, shortest: int = 0) -> Check:
    """A string of `shortest` to `longest` UTF-16 units."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise failed(path, "a string", value)
        length = length_of(value)
        if length < shortest:
            raise failed(path, "populated", value)
        if longest is not None and length > longest:
            raise failed(f"{path}.length", f"≤ `{longest}`", length)

    return check


def length_of(value: str) -> int:
    """The length of a string in UTF-16 units."""
    # Assumed: lengths are counted in UTF-16 units, as JavaScript does. If wrong: nothing, a text with emoji is cut a
    # little earlier. Check: none.
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def number(value: Any, path: str) -> None:
    """A finite number, which a boolean is not."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise failed(path, "a number", value)


def integer(*, least: int, most: int | None = None) -> Check:
    """A whole number from `least` to `most`."""

    def check(value: Any, path: str) -> None:
        number(value, path)
        if value != int(value):
            raise failed(path, "an integer", value)
        if value < least:
            raise failed(path, f"≥ `{least}`", value)
        if most is not None and value > most:
            raise failed(path, f"≤ `{most}`", value)

    return check


def boolean(value: Any, path: str) -> None:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise failed(path, "a boolean", value)


def identifier(value: Any, path: str) -> None:
    """A UUID of the RFC, with or without dashes."""
    if not isinstance(value, str) or dashed(value) is None:
        raise failed(path, "a valid uuid", value)


def dashed(value: str) -> str | None:
    """The usual form of a UUID, or None where the text is none."""
    return str(uuid.UUID(value)) if _RFC_UUID.fullmatch(value) else None


def moment(value: Any, path: str) -> None:
    """An ISO 8601 date, or date and time."""
    if not isinstance(value, str) or parsed_moment(value) is None:
        raise failed(path, "a valid ISO 8601 date string", value)


def parsed_moment(value: str) -> datetime | None:
    """The date (at midnight) or time that a text gives, naive where it names no zone; None where it gives none."""
    try:
        return datetime.fromisoformat(value) if len(value) >= 10 and value[4] == "-" else None
    except ValueError:
        return None


def choice(*values: Any) -> Check:
    """One of the given values."""

    def check(value: Any, path: str) -> None:
        if not any(type(value) is type(known) and value == known for known in values):
            raise failed(path, _listed(values), value)

    return check


def nullable(inner: Check) -> Check:
    """`null`, or what `inner` takes."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def array(item: Check, *, longest: int | None = 100, shortest: int = 0) -> Check:
    """An array of at most `longest` items; 100 is Notion's limit everywhere."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise failed(path, "an array", value)
        # Source: developers.notion.com/reference/request-limits: 100 items in an array.
        if longest is not None and len(value) > longest:
            raise failed(f"{path}.length", f"≤ `{longest}`", len(value))
        if len(value) < shortest:
            raise failed(f"{path}.length", f"≥ `{shortest}`", len(value))
        for index, entry in enumerate(value):
            item(entry, f"{path}[{index}]")

    return check


def mapping(entry: Check) -> Check:
    """An object with any keys, whose values all fit `entry`."""

    def check(value: Any, path: str) -> None:
        _object(value, path)
        for key, inner in value.items():
            entry(inner, f"{path}.{key}")

    return check


def record(required: Mapping[str, Check] | None = None, optional: Mapping[str, Check] | None = None) -> Check:
    """An object with just these keys."""
    needed, allowed = dict(required or {}), dict(optional or {})

    def check(value: Any, path: str) -> None:
        _object(value, path)
        for key in needed:
            if value.get(key, MISSING) is MISSING:
                raise failed(f"{path}.{key}", "defined")
        for key, inner in value.items():
            known = needed.get(key) or allowed.get(key)
            if known is None:
                raise failed(f"{path}.{key}", "not present", inner)
            known(inner, f"{path}.{key}")

    return check


def variant(
    kinds: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    required: Mapping[str, Check] | None = None,
) -> Check:
    """An object that has exactly one of the keys of `kinds` (and may repeat its name as `type`)."""
    needed = dict(required or {})
    extras = dict(optional or {}) | needed

    def check(value: Any, path: str) -> None:
        _object(value, path)
        kind = kind_of(value, kinds)
        if kind is None:
            raise _none_of(path, [f"{path}.{name}" for name in kinds])
        for key in needed:
            if key not in value:
                raise failed(f"{path}.{key}", "defined")
        for key, inner in value.items():
            if key == kind:
                kinds[kind](inner, f"{path}.{kind}")
            elif key == "type":
                choice(kind)(inner, f"{path}.type")
            elif key in extras:
                extras[key](inner, f"{path}.{key}")
            else:
                raise failed(f"{path}.{key}", "not present", inner)

    return check


def kind_of(value: Mapping[str, Any], kinds: Mapping[str, Any]) -> str | None:
    """Which of `kinds` an object is: the one its `type` names, else the first key that is one."""
    named = value.get("type")
    if isinstance(named, str) and named in kinds and named in value:
        return named
    return next((key for key in value if key in kinds), None)


def either(*checks: Check) -> Check:
    """What at least one of the checks takes; the last one's refusal is the one told."""

    def check(value: Any, path: str) -> None:
        for inner in checks[:-1]:
            try:
                return inner(value, path)
            except NotionError:
                continue
        return checks[-1](value, path)

    return check


empty = record()
"""`{}`."""


def _object(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise failed(path, "an object", value)


def _none_of(path: str, places: list[str]) -> NotionError:
    where = path.split(".", 1)[0].split("[", 1)[0]
    lines = "\n".join(mismatch(place, "defined") for place in places)
    return validation(f"{where} failed validation. Fix one:\n{lines}")


def _listed(values: tuple[Any, ...]) -> str:
    shown = [f'`"{value}"`' if isinstance(value, str) else f"`{str(value).lower()}`" for value in values]
    if len(shown) == 1:
        return shown[0]
    if len(shown) == 2:
        return " or ".join(shown)
    return ", ".join(shown[:-1]) + f", or {shown[-1]}"
