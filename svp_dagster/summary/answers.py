"""The answer of a language model: its JSON schema, its validation, and the message that asks for a correction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from svp_dagster.models import Evidence, JsonObject, PropertyFill, Tile, Value
from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.summary.words import comparable, one_line

OPEN_NAMES = frozenset({"tags", "tag", "hashtags", "hashtag", "keywords", "keyword", "topics"})
"""Names (comparable) of multi_select columns for free words: their options are no closed list."""

MAX_ENUM_VALUES, MAX_ENUM_CHARS = 30, 200
"""Options of a column that Gemini enforces: eight long values made a schema unenforceable (ducroo/SICTIC-AI issue 76).
Where the limits are isn't documented, so they are *assumed*, and a refused schema is described instead."""

_PICTURE = "picture"
_DESCRIPTION_CHARS = 300
_VIOLATIONS = 20
_VIOLATION_CHARS = 200
_HINTS = {
    ColumnType.TITLE: "A short title of at most 100 characters.",
    ColumnType.RICH_TEXT: "Plain text; one line per item where it is a list.",
    ColumnType.NUMBER: "A plain number in the unit that the column's name says.",
    ColumnType.DATE: "An ISO 8601 date such as 2026-03-01, or date and time such as 2026-03-01T19:30:00+02:00.",
    ColumnType.CHECKBOX: "true only where the material says so.",
    ColumnType.URL: "A complete web address that occurs in the material.",
    ColumnType.EMAIL: "An email address that occurs in the material.",
    ColumnType.PHONE_NUMBER: "A telephone number that occurs in the material.",
    ColumnType.RELATION: "Bare names as titles of a database's entries: no amounts, no remarks.",
}


class Answer(Value):
    """The usable part of an answer.

    `offers` has the columns for which the engine gave a value. `misformed` names those whose value has the wrong form
    or is missing. `violations` says what is wrong with the answer, for the engine.
    """

    overview: str
    offers: dict[str, PropertyFill]
    misformed: frozenset[str] = frozenset()
    violations: tuple[str, ...] = ()

    def completed_from(self, earlier: Answer) -> Answer:
        """Return this answer with the columns of an earlier one in the place of its own misformed ones."""
        kept = {name: fill for name, fill in earlier.offers.items() if name in self.misformed}
        return Answer(
            overview=self.overview or earlier.overview,
            offers=self.offers | kept,
            misformed=self.misformed & earlier.misformed,
            violations=self.violations,
        )


class InvalidAnswer(ValueError):
    """An answer without a usable part. `violations` says what is wrong with it, for the engine."""

    def __init__(self, *violations: str) -> None:
        super().__init__("; ".join(violations))
        self.violations = violations


def is_open(column: Column) -> bool:
    """Return whether values beyond the options are allowed: for a list of tags, or a column without options yet."""
    if not column.options:
        return True
    return column.type is ColumnType.MULTI_SELECT and comparable(column.name) in OPEN_NAMES


def answer_schema(columns: Sequence[Column], *, enforce_all: bool = False, tiles: Sequence[Tile] = ()) -> JsonObject:
    """Return the JSON schema of an answer in Gemini's keywords. The model writes the keys in their order here.

    Long lists of options are described only, unless `enforce_all`. `tiles` are those of the contact sheet that is sent
    along: without them, nothing can have been seen.

    Shared parts are defined once, because the schema is paid for as input. There are no bounds on lengths and numbers:
    Gemini refuses a schema with "too many states", and names such bounds as a cause.
    """
    return {
        "type": "object",
        "properties": {
            "overview": {"type": "string", "description": "What the video says and shows, in 2 to 4 sentences."},
            "properties": _object({column.name: _column_schema(column, enforce_all) for column in columns}),
        },
        "required": ["overview", "properties"],
        "additionalProperties": False,
        "$defs": _SHARED | {"evidence": _evidence_schema(sees=bool(tiles))},
    }


def parse_answer(text: str, columns: Sequence[Column], *, tiles: Sequence[Tile] = ()) -> Answer:
    """Parse a model's text. Raises `InvalidAnswer` if it is no JSON object, or no column in it has the right form."""
    raw = _parse_json(text)
    expected = answer_schema(columns, enforce_all=True, tiles=tiles)
    errors = list(Draft202012Validator(expected).iter_errors(raw))
    violations = tuple(islice(_violations(errors), _VIOLATIONS))
    given = raw.get("properties") if isinstance(raw, dict) else None
    if not isinstance(given, dict):
        raise InvalidAnswer(*violations)
    misformed = _misformed_columns(errors) | {column.name for column in columns if column.name not in given}
    well_formed = [column.name for column in columns if column.name not in misformed]
    if not well_formed:
        raise InvalidAnswer(*violations)
    overview = raw.get("overview")
    return Answer(
        overview=overview if isinstance(overview, str) else "",
        offers={name: _offer(given[name], tiles) for name in well_formed if given[name] is not None},
        misformed=frozenset(misformed),
        violations=violations,
    )


def repair_message(violations: Sequence[str]) -> str:
    """Return the message that asks a model to correct its answer."""
    faults = json.dumps(violations, ensure_ascii=False)
    return (
        "Your answer does not fit the schema. These are its faults, as a JSON list: "
        f"{faults}\nGive the whole answer again as one complete JSON object that fits the schema; keep it short."
    )


def _parse_json(text: str) -> Any:
    try:
        # NaN is no JSON: as null it costs its column alone.
        return json.loads(_unfenced(text), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("It is not a complete JSON object.") from error


def _misformed_columns(errors: Iterable[ValidationError]) -> set[str]:
    """Return the columns that errors are about. A foreign or missing column is an error of the object around it."""
    paths = [list(error.absolute_path) for error in errors]
    return {str(path[1]) for path in paths if len(path) > 1 and path[0] == "properties"}


def _object(properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _offer_of(value: JsonObject) -> JsonObject:
    """Return the schema of a value with its evidence. Evidence comes first: a model that quotes first invents less."""
    evidence = {"evidence": {"$ref": "#/$defs/evidence"}}
    return _object(evidence | {"value": value, "confidence": {"$ref": "#/$defs/confidence"}})


def _evidence_schema(*, sees: bool) -> JsonObject:
    """Return the schema of quotes; with pictures, of what is seen on a tile, too. Quotes name no tile."""
    item = _object(
        {
            "source": {"type": "string", "enum": ["speech", "screen", "caption"]},
            "quote": {"type": "string"},
            "at_s": {"type": ["number", "null"], "description": "The second given in the material, else null."},
        }
    )
    if sees:
        item["properties"]["source"]["enum"].append(_PICTURE)
        item["properties"]["tile"] = {"type": ["integer", "null"], "description": "For a picture: the tile's number."}
    return {"type": "array", "items": item}


_SHARED: JsonObject = {
    "confidence": {"type": "number", "description": "From 0 (guessed) to 1 (certain)."},
    "text": _offer_of({"type": "string"}),
    "number": _offer_of({"type": "number"}),
    "checkbox": _offer_of({"type": "boolean"}),
}


def _column_schema(column: Column, enforce_all: bool) -> JsonObject:
    is_enum = not is_open(column) and (enforce_all or _is_enforceable(column.options))
    options = "" if is_open(column) or is_enum else f"Exactly one of these options: {_listed(column.options)}"
    about = (f"{column.type}.", one_line(column.description, at_most=_DESCRIPTION_CHARS), _hint(column), options)
    option: JsonObject = {"type": "string", "enum": list(column.options)} if is_enum else {"type": "string"}
    return {
        "description": " ".join(filter(None, about)),
        "anyOf": [_offer_schema(column, option), {"type": "null"}],
    }


def _is_enforceable(options: Sequence[str]) -> bool:
    return len(options) <= MAX_ENUM_VALUES and sum(map(len, options)) <= MAX_ENUM_CHARS


def _listed(options: Sequence[str]) -> str:
    return json.dumps(options, ensure_ascii=False)


def _offer_schema(column: Column, option: JsonObject) -> JsonObject:
    match column.type:
        case ColumnType.NUMBER | ColumnType.CHECKBOX:
            return {"$ref": f"#/$defs/{column.type}"}
        case ColumnType.MULTI_SELECT | ColumnType.RELATION:
            return _offer_of({"type": "array", "items": option})
        case ColumnType.SELECT | ColumnType.STATUS:
            return _offer_of(option)
        case _:
            return {"$ref": "#/$defs/text"}


def _hint(column: Column) -> str:
    if column.number_format == "percent":
        return "A share: 0.25 for 25 percent."
    if column.type in (ColumnType.SELECT, ColumnType.MULTI_SELECT) and is_open(column):
        known = f" Known so far: {', '.join(column.options[:50])}." if column.options else ""
        return f"Short names, without commas.{known}"
    if "Markdown" in column.description:
        return ""  # its description says which form its text has
    return _HINTS.get(column.type, "")


def _offer(raw: JsonObject, tiles: Sequence[Tile]) -> PropertyFill:
    evidence = tuple(filter(None, (_evidence(item, tiles) for item in raw["evidence"])))
    return PropertyFill(value=raw["value"], confidence=min(max(raw["confidence"], 0.0), 1.0), evidence=evidence)


def _evidence(item: JsonObject, tiles: Sequence[Tile]) -> Evidence | None:
    """Return a quote, or what is seen with the place of its tile. None for a tile that doesn't exist."""
    if item["source"] != _PICTURE:
        return Evidence(source=item["source"], quote=item["quote"], at_s=item["at_s"])
    number = item.get("tile")
    if number is None or not 1 <= number <= len(tiles):
        return None
    tile = tiles[int(number) - 1]
    return Evidence(source=_PICTURE, quote=item["quote"], at_s=tile.at_s, slide=tile.slide)


def _unfenced(text: str) -> str:
    """Return the text without the Markdown fence that some models put around JSON."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        return text.strip("`").removeprefix("json")
    return text


def _violations(errors: Iterable[ValidationError]) -> Iterator[str]:
    """Describe the errors. For "an offer or null", describe the errors of the offer."""
    for error in errors:
        offered = [fault for fault in error.context if fault.schema_path[0] == 0]
        if error.validator == "anyOf" and offered:
            yield from _violations(offered)
        else:
            path = one_line(error.json_path, at_most=_VIOLATION_CHARS)
            yield f"{path}: {one_line(error.message, at_most=_VIOLATION_CHARS)}"
