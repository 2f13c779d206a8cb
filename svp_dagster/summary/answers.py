"""The answer that is asked of a language model: its JSON schema, its validation, and what to say when it is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from svp_dagster.models import Evidence, JsonObject, PropertyFill, Value
from svp_dagster.notion.properties import link_column
from svp_dagster.notion.schema import FILLABLE_TYPES, Column, ColumnType, DataSourceSchema
from svp_dagster.summary.words import comparable, one_line

ASKABLE_TYPES = FILLABLE_TYPES - {ColumnType.FILES}
"""Column types that an engine is asked for. Files can't come from what a video says; a relation is asked for titles."""

OPEN_NAMES = frozenset({"tags", "tag", "hashtags", "hashtag", "keywords", "keyword", "topics"})
"""Names (comparable) of multi_select columns that collect free words: their options are no closed list."""

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
    """A valid answer. `offers` has the columns for which the engine gave a value."""

    overview: str
    offers: dict[str, PropertyFill]


class InvalidAnswer(ValueError):
    """An answer that can't be used. `violations` say what is wrong with it, for the engine."""

    def __init__(self, *violations: str) -> None:
        super().__init__("; ".join(violations))
        self.violations = violations


def askable_columns(schema: DataSourceSchema) -> tuple[Column, ...]:
    """The columns that an engine fills: not those that Notion computes, nor the one that publishing fills."""
    link = link_column(schema)
    return tuple(
        column for column in schema.columns if column.type in ASKABLE_TYPES and column.is_fillable and column != link
    )


def is_open(column: Column) -> bool:
    """Whether words beyond the options may be given: a list of tags, or a column without options yet."""
    if not column.options:
        return True
    return column.type is ColumnType.MULTI_SELECT and comparable(column.name) in OPEN_NAMES


def answer_schema(columns: Sequence[Column]) -> JsonObject:
    """The JSON schema of an answer, of keywords that Gemini supports; the order of the keys is the order to write in.

    What columns share is defined once, since the schema is paid for as input. It bounds neither lengths nor numbers:
    Gemini refuses a schema with "too many states", and names bounds on arrays and numbers as causes.
    """
    return {
        "type": "object",
        "properties": {
            "overview": {"type": "string", "description": "What the video says and shows, in 2 to 4 sentences."},
            "properties": _object({column.name: _column_schema(column) for column in columns}),
        },
        "required": ["overview", "properties"],
        "additionalProperties": False,
        "$defs": _SHARED,
    }


def parse_answer(text: str, columns: Sequence[Column]) -> Answer:
    """The answer in a model's text. Raises `InvalidAnswer`."""
    try:
        raw = json.loads(_unfenced(text), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("It is not a complete JSON object.") from error
    validator = Draft202012Validator(answer_schema(columns))
    violations = list(islice(_violations(validator.iter_errors(raw)), _VIOLATIONS))
    if violations:
        raise InvalidAnswer(*violations)
    return Answer(
        overview=raw["overview"],
        offers={name: _offer(offer) for name, offer in raw["properties"].items() if offer is not None},
    )


def repair_message(invalid: InvalidAnswer) -> str:
    """What to tell the model that gave an invalid answer."""
    faults = json.dumps(invalid.violations, ensure_ascii=False)
    return (
        "Your answer does not fit the schema. These are its faults, as a JSON list: "
        f"{faults}\nGive the whole answer again as one complete JSON object that fits the schema; keep it short."
    )


def _object(properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _offer_of(value: JsonObject) -> JsonObject:
    """A value with its proof. The proof is asked for first: a model that has to quote first invents less."""
    proof = {"evidence": {"$ref": "#/$defs/evidence"}}
    return _object(proof | {"value": value, "confidence": {"$ref": "#/$defs/confidence"}})


_SHARED: JsonObject = {
    "evidence": {
        "type": "array",
        "items": _object(
            {
                "source": {"type": "string", "enum": ["speech", "screen", "caption"]},
                "quote": {"type": "string"},
                "at_s": {"type": ["number", "null"], "description": "The second given in the material, else null."},
            }
        ),
    },
    "confidence": {"type": "number", "description": "From 0 (guessed) to 1 (certain)."},
    "text": _offer_of({"type": "string"}),
    "number": _offer_of({"type": "number"}),
    "checkbox": _offer_of({"type": "boolean"}),
}


def _column_schema(column: Column) -> JsonObject:
    about = (f"{column.type}.", one_line(column.description, at_most=_DESCRIPTION_CHARS), _hint(column))
    return {
        "description": " ".join(filter(None, about)),
        "anyOf": [_offer_schema(column), {"type": "null"}],
    }


def _offer_schema(column: Column) -> JsonObject:
    match column.type:
        case ColumnType.NUMBER | ColumnType.CHECKBOX:
            return {"$ref": f"#/$defs/{column.type}"}
        case ColumnType.MULTI_SELECT | ColumnType.RELATION:
            return _offer_of({"type": "array", "items": _option_schema(column)})
        case ColumnType.SELECT | ColumnType.STATUS:
            return _offer_of(_option_schema(column))
        case _:
            return {"$ref": "#/$defs/text"}


def _option_schema(column: Column) -> JsonObject:
    return {"type": "string"} if is_open(column) else {"type": "string", "enum": list(column.options)}


def _hint(column: Column) -> str:
    if column.number_format == "percent":
        return "A share: 0.25 for 25 percent."
    if column.type in (ColumnType.SELECT, ColumnType.MULTI_SELECT) and is_open(column):
        known = f" Known so far: {', '.join(column.options[:50])}." if column.options else ""
        return f"Short names, without commas.{known}"
    return _HINTS.get(column.type, "")


def _offer(raw: JsonObject) -> PropertyFill:
    evidence = tuple(
        Evidence(source=item["source"], quote=item["quote"], at_s=item["at_s"]) for item in raw["evidence"]
    )
    return PropertyFill(value=raw["value"], confidence=min(max(raw["confidence"], 0.0), 1.0), evidence=evidence)


def _unfenced(text: str) -> str:
    """The text without the Markdown fence that some models put around JSON."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        return text.strip("`").removeprefix("json")
    return text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _violations(errors: Iterable[ValidationError]) -> Iterator[str]:
    """The faults in words. Of "an offer or null" the offer's faults are told."""
    for error in errors:
        offered = [fault for fault in error.context if fault.schema_path[0] == 0]
        if error.validator == "anyOf" and offered:
            yield from _violations(offered)
        else:
            path = one_line(error.json_path, at_most=_VIOLATION_CHARS)
            yield f"{path}: {one_line(error.message, at_most=_VIOLATION_CHARS)}"
