"""The engines that make a summary: Gemini, and one that only quotes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from svp_dagster.component import Component
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.gemini.client import AnswerWithheld, open_client, prepare
from svp_dagster.gemini.failures import MediaRefused, SchemaRefused
from svp_dagster.models import PropertyFill, Summary
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import Meter, SummaryRequest
from svp_dagster.summary import prompt as prompts
from svp_dagster.summary.acceptance import Judge
from svp_dagster.summary.answers import Answer, InvalidAnswer, answer_schema
from svp_dagster.summary.asking import LoadedSheet, ask, load_sheet
from svp_dagster.summary.extractive import extract
from svp_dagster.summary.gemini import Conversation
from svp_dagster.summary.material import Material, gather
from svp_dagster.summary.support import review
from svp_dagster.summary.support.review import Question
from svp_dagster.summary.words import one_line

if TYPE_CHECKING:
    from google.genai import Client

logger = logging.getLogger(__name__)

MATERIAL_CHARS = 60_000
"""About 15,000 tokens of English: half a cent at the default model's price, and an hour and a quarter of speech."""
OVERVIEW_CHARS = 1_500

_MISFORMED = "The engine gave no value of the right form."
_WITHHELD = "Gemini refused this video's text ({reason}); quoted instead."


class _NothingToAsk(Exception):
    """There are neither reliable texts nor pictures."""


class GeminiSummarizer(Component):
    """Google's Gemini. Its answer has to fit a JSON schema, and its quotes have to occur in the material.

    It looks at the contact sheet, too. What it sees there describes, and states no facts (`support.pictures`).
    """

    api_key: SecretStr = Field(description="Key of the Gemini API.")
    model: str = Field(default="gemini-3.5-flash-lite", description="A model's id; no moving alias.")
    base_url: str = Field(default="", description="Another address of the API, scheme included.")
    timeout_s: float = Field(default=90.0, gt=0, description="Time limit of one call.")
    attempts: int = Field(default=2, ge=1, description="Attempts at a call that fails for a passing reason.")
    min_confidence: float = Field(default=0.4, ge=0, le=1, description="Less certain values are left blank.")
    material_chars: int = Field(default=MATERIAL_CHARS, ge=1_000, description="Longest material that is sent.")
    max_output_tokens: int = Field(default=8_192, ge=256, description="Longest answer, thoughts included.")
    check_support: bool = Field(default=True, description="Ask once more which values their quotes support.")

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        checked = "checked" if self.check_support else "unchecked"
        return f"gemini 4 {self.model} chars={self.material_chars} confidence={self.min_confidence:g} {checked}"

    @property
    def sees(self) -> bool:
        """Whether it looks at pictures: it does."""
        return True

    def prepare(self) -> None:
        """Load the SDK."""
        prepare()

    def summarize(self, request: SummaryRequest, *, meter: Meter) -> Summary:
        """Ask, have a wrong answer repaired once, and keep the values that their quotes support.

        If Gemini withholds its answer twice, or there is nothing to ask it about, quote from the material instead.

        Raises `summary_invalid`, `summary_blocked`, `key_rejected`, `model_retired`, `quota_exhausted`,
        `service_unreachable`, `misconfigured` or what the meter raises. Raises `nothing_to_read` where there is no text
        and nothing came of the pictures.
        """
        material = _material(request, self.material_chars)
        try:
            answer = self._answer(material, request, meter)
        except _NothingToAsk:
            _require_text(material, request)
            return _quoted(material, request)
        except AnswerWithheld as withheld:
            logger.warning("Gemini withheld its answer twice: %s", withheld)
            _require_text(material, request)
            summary, note = _quoted(material, request), _WITHHELD.format(reason=withheld)
            return summary.model_copy(update={"note": f"{note} {summary.note}".strip(), "is_fallback": True})
        judge = Judge(request.data_schema, material, min_confidence=self.min_confidence)
        accepted = judge.accept(answer.offers, check=partial(self.check, meter=meter) if self.check_support else None)
        overview = one_line(answer.overview, at_most=OVERVIEW_CHARS)
        if request.screen_text.sheet is not None:
            overview = judge.overview(overview)
        if not overview and not accepted.properties:
            _require_text(material, request)
        properties = _with_title(accepted.properties, request.data_schema, material.quotable)
        left_blank = dict.fromkeys(sorted(answer.misformed), _MISFORMED) | accepted.left_blank
        return Summary(
            overview=overview or extract.overview(material.quotable),
            properties=properties,
            left_blank={name: why for name, why in left_blank.items() if name not in properties},
            note=material.left_out,
            engine="gemini",
            model=self.model,
            language=request.language or material.language,
            is_seen=not material.reliable.holds_text,
        )

    def check(self, questions: Sequence[Question], *, meter: Meter) -> dict[int, bool]:
        """Return by index which values are supported, as a second, small call says. Empty if the call fails."""
        try:
            with self._client() as client:
                conversation = Conversation(
                    client,
                    model=self.model,
                    instructions=review.INSTRUCTIONS,
                    schema=review.ANSWER_SCHEMA,
                    max_output_tokens=self.max_output_tokens,
                    meter=meter,
                )
                return review.parse(conversation.ask(review.request(questions)), len(questions))
        except (
            InvalidAnswer,
            AnswerWithheld,
            SchemaRefused,
            SvpError,
        ) as problem:  # the summary is paid for, and the rules alone decide well enough
            logger.warning("%d values are judged by the rules alone: %s", len(questions), type(problem).__name__)
            return {}

    def _client(self) -> Client:
        return open_client(
            api_key=self.api_key, base_url=self.base_url, timeout_s=self.timeout_s, attempts=self.attempts
        )

    def _answer(self, material: Material, request: SummaryRequest, meter: Meter) -> Answer:
        """Return the answer to text and pictures, or to the text alone if Gemini can't use or blocks the pictures."""
        loaded = load_sheet(request.screen_text.sheet)
        try:
            return self._asked(material, request, loaded, meter)
        except MediaRefused as refused:
            logger.warning("Gemini refused the pictures of %s: %s", request.video.media_key, refused)
        except SvpError as blocked:
            if blocked.code is not Code.SUMMARY_BLOCKED or loaded is None or not material.reliable.holds_text:
                raise
            logger.warning("Gemini blocked the pictures of %s, or their text", request.video.media_key)
        return self._asked(material, request, None, meter)

    def _asked(self, material: Material, request: SummaryRequest, loaded: LoadedSheet | None, meter: Meter) -> Answer:
        """Return the answer to the request with its schema, or without it if Gemini can't enforce it."""
        if loaded is None and not material.reliable.holds_text:
            raise _NothingToAsk
        columns, sheet = request.columns, loaded.sheet if loaded else None
        tiles = sheet.tiles if sheet else ()
        language, spoken = request.language, material.language
        text = prompts.request(material, prompt=request.prompt, sheet=sheet)
        client = self._client()
        converse = partial(
            Conversation,
            client,
            model=self.model,
            instructions=prompts.instructions(language=language, spoken_language=spoken, sees=sheet is not None),
            max_output_tokens=self.max_output_tokens,
            meter=meter,
        )
        with client:
            try:
                conversation = converse(schema=answer_schema(columns, tiles=tiles))
                return ask(conversation, text, columns=columns, loaded=loaded)
            except SchemaRefused:
                described = f"{text}\n{prompts.described_schema(columns, tiles=tiles)}"
                return ask(converse(schema=None), described, columns=columns, loaded=loaded)


class ExtractiveSummarizer(Component):
    """Quotes from the material by rules. Needs no key, costs nothing, invents nothing, doesn't translate."""

    material_chars: int = Field(default=MATERIAL_CHARS, ge=1_000, description="Longest material that is read.")

    @property
    def recipe(self) -> str:
        """Engine and parameters in one line."""
        return f"extractive 4 chars={self.material_chars}"

    @property
    def sees(self) -> bool:
        """Whether it looks at pictures: it doesn't."""
        return False

    def prepare(self) -> None:
        """Do nothing."""

    def summarize(self, request: SummaryRequest, *, meter: Meter) -> Summary:  # noqa: ARG002 (nothing is paid)
        """Return what can be quoted for each column. Rules can't follow the prompt or another language."""
        return _quoted(_material(request, self.material_chars), request)


def _quoted(material: Material, request: SummaryRequest) -> Summary:
    properties, left_blank = extract.extract(material.quotable, request.columns)
    return Summary(
        overview=extract.overview(material.quotable),
        properties=properties,
        left_blank=left_blank,
        note=material.left_out,
        engine="extractive",
        model="extractive",
        language=material.language,
    )


def _material(request: SummaryRequest, budget_chars: int) -> Material:
    return gather(
        video=request.video,
        transcript=request.transcript,
        screen_text=request.screen_text,
        budget_chars=budget_chars,
    )


def _require_text(material: Material, request: SummaryRequest) -> None:
    """Pass where there is text to make a summary of. Raises `nothing_to_read`."""
    if not material.holds_text:
        raise failure(Code.NOTHING_TO_READ, detail=f"{request.video.media_key}: nothing came of its pictures")


def _with_title(
    properties: dict[str, PropertyFill], schema: DataSourceSchema, material: Material
) -> dict[str, PropertyFill]:
    """Return the properties with a title, quoted if the engine gave none."""
    name = schema.title_column.name
    return properties if name in properties else {name: extract.title(material), **properties}
