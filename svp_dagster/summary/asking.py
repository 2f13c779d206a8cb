"""Ask a model for a summary, and have a wrong answer repaired once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.gemini.client import AnswerWithheld
from svp_dagster.gemini.failures import MediaRefused, SchemaRefused
from svp_dagster.models import ContactSheet, Tile
from svp_dagster.notion.schema import Column
from svp_dagster.summary.answers import Answer, InvalidAnswer, parse_answer, repair_message
from svp_dagster.summary.gemini import Conversation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoadedSheet:
    """A contact sheet with its picture, a JPEG."""

    sheet: ContactSheet
    picture: bytes


def load_sheet(sheet: ContactSheet | None) -> LoadedSheet | None:
    """Return a sheet with its picture, None where there is none any more."""
    if sheet is None:
        return None
    try:
        return LoadedSheet(sheet=sheet, picture=sheet.path.read_bytes())
    except OSError as error:  # a summary without pictures is still one
        logger.warning("the contact sheet is gone: %s", type(error).__name__)
        return None


def ask(conversation: Conversation, text: str, *, columns: Sequence[Column], loaded: LoadedSheet | None) -> Answer:
    """Ask, and once more for a correction. Raises `summary_invalid` if neither answer has a usable part."""
    tiles = loaded.sheet.tiles if loaded else ()
    try:
        said = conversation.ask(text, picture=loaded.picture if loaded else None)
        answer = parse_answer(said, columns, tiles=tiles)
    except InvalidAnswer as invalid:
        return _ask_again(conversation, invalid, columns, tiles)
    return _repaired(conversation, answer, columns, tiles) if answer.violations else answer


def _ask_again(
    conversation: Conversation, invalid: InvalidAnswer, columns: Sequence[Column], tiles: Sequence[Tile]
) -> Answer:
    try:
        return parse_answer(conversation.ask(repair_message(invalid.violations)), columns, tiles=tiles)
    except InvalidAnswer as again:
        detail = f"{len(again.violations)} faults, the first: {again.violations[0][:100]}"
        raise failure(Code.SUMMARY_INVALID, detail=detail) from again


def _repaired(conversation: Conversation, answer: Answer, columns: Sequence[Column], tiles: Sequence[Tile]) -> Answer:
    """Return the answer with a correction of its misformed columns, or as it is if there is no correction."""
    try:
        repaired = parse_answer(conversation.ask(repair_message(answer.violations)), columns, tiles=tiles)
    except (
        InvalidAnswer,
        AnswerWithheld,
        SchemaRefused,
        MediaRefused,
        SvpError,
    ) as problem:  # the answer is paid for, and most of its columns are usable
        logger.warning("%d misformed columns are left blank: %s", len(answer.misformed), type(problem).__name__)
        return answer
    return repaired.completed_from(answer)
