"""The engines that make a summary: Gemini, and one that only quotes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import dagster as dg
from pydantic import Field

from svp_dagster.errors import Code, failure
from svp_dagster.models import PropertyFill, ScreenText, Summary, Transcript, Video
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.ports import Meter
from svp_dagster.prices import load_prices
from svp_dagster.summary import prompt as prompts
from svp_dagster.summary.acceptance import Judge
from svp_dagster.summary.answers import (
    Answer,
    InvalidAnswer,
    answer_schema,
    askable_columns,
    parse_answer,
    repair_message,
)
from svp_dagster.summary.extractive import extract
from svp_dagster.summary.gemini import Conversation, SchemaRefused, open_client, prepare
from svp_dagster.summary.material import Material, gather
from svp_dagster.summary.words import one_line

MATERIAL_CHARS = 60_000
"""About 15,000 tokens of English: half a cent at the default model's price, and an hour and a quarter of speech."""
OVERVIEW_CHARS = 1_500


class GeminiSummarizer(dg.ConfigurableResource):
    """Google's Gemini: its answer has to fit a JSON schema, and its quotes have to be real."""

    api_key: str = Field(repr=False, description="Key of the Gemini API.")
    model: str = Field(default="gemini-3.5-flash-lite", description="A model's id; no moving alias.")
    base_url: str = Field(default="", description="Another address of the API, scheme included.")
    timeout_s: float = Field(default=90.0, gt=0, description="Time limit of one call.")
    attempts: int = Field(default=2, ge=1, description="Attempts at a call that fails for a passing reason.")
    min_confidence: float = Field(default=0.4, ge=0, le=1, description="Less certain values are left blank.")
    material_chars: int = Field(default=MATERIAL_CHARS, ge=1_000, description="Longest material that is sent.")
    max_output_tokens: int = Field(default=8_192, ge=256, description="Longest answer, thoughts included.")
    prices_file: str = Field(default="", description="JSON file that overrides the price table.")

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"gemini 1 {self.model} chars={self.material_chars} confidence={self.min_confidence:g}"

    def prepare(self) -> None:
        """Load the SDK."""
        prepare()

    def summarize(
        self,
        *,
        video: Video,
        transcript: Transcript,
        screen_text: ScreenText,
        schema: DataSourceSchema,
        prompt: str,
        language: str | None,
        meter: Meter,
    ) -> Summary:
        """Ask, repair the answer once if it doesn't fit, and keep what its quotes prove.

        Raises `summary_invalid`, `summary_blocked`, `key_rejected`, `model_retired`, `quota_exhausted`,
        `service_unreachable`, `misconfigured` or what the meter raises.
        """
        material = gather(video=video, transcript=transcript, screen_text=screen_text, budget_chars=self.material_chars)
        columns = askable_columns(schema)
        answer = self._answer(material, columns, wish=prompt, language=language, meter=meter)
        accepted = Judge(schema, material, min_confidence=self.min_confidence).accept(answer.offers)
        properties = _with_title(accepted.properties, schema, material)
        return Summary(
            overview=one_line(answer.overview, at_most=OVERVIEW_CHARS) or extract.overview(material),
            properties=properties,
            left_blank={name: why for name, why in accepted.left_blank.items() if name not in properties},
            note=material.left_out,
            engine="gemini",
            model=self.model,
            language=language or transcript.language,
        )

    def _answer(
        self, material: Material, columns: Sequence[Column], *, wish: str, language: str | None, meter: Meter
    ) -> Answer:
        instructions = prompts.instructions(language=language, spoken_language=material.language)
        request = prompts.request(material, wish=wish)
        prices = load_prices(Path(self.prices_file) if self.prices_file else None)
        client = open_client(
            api_key=self.api_key, base_url=self.base_url, timeout_s=self.timeout_s, attempts=self.attempts
        )
        converse = partial(
            Conversation,
            client,
            model=self.model,
            instructions=instructions,
            max_output_tokens=self.max_output_tokens,
            meter=meter,
            prices=prices,
        )
        with client:
            try:
                return _answered(converse(schema=answer_schema(columns)), request, columns)
            except SchemaRefused:
                described = f"{request}\n{prompts.described_schema(columns)}"
                return _answered(converse(schema=None), described, columns)


class ExtractiveSummarizer(dg.ConfigurableResource):
    """Quotes from the material by rules; needs no key, costs nothing, invents nothing, doesn't translate."""

    material_chars: int = Field(default=MATERIAL_CHARS, ge=1_000, description="Longest material that is read.")

    @property
    def recipe(self) -> str:
        """Engine and parameters in one line."""
        return f"extractive 1 chars={self.material_chars}"

    def prepare(self) -> None:
        """There is nothing to load."""

    def summarize(
        self,
        *,
        video: Video,
        transcript: Transcript,
        screen_text: ScreenText,
        schema: DataSourceSchema,
        prompt: str,  # noqa: ARG002 (the port's signature: rules can't follow wishes)
        language: str | None,  # noqa: ARG002
        meter: Meter,  # noqa: ARG002
    ) -> Summary:
        """What can be quoted for each column. Raises nothing."""
        material = gather(video=video, transcript=transcript, screen_text=screen_text, budget_chars=self.material_chars)
        properties, left_blank = extract.extract(material, askable_columns(schema))
        return Summary(
            overview=extract.overview(material),
            properties=properties,
            left_blank=left_blank,
            note=material.left_out,
            engine="extractive",
            model="extractive",
            language=transcript.language,
        )


def _answered(conversation: Conversation, request: str, columns: Sequence[Column]) -> Answer:
    """The valid answer, at the second attempt at the latest. Raises `summary_invalid`."""
    try:
        return parse_answer(conversation.ask(request), columns)
    except InvalidAnswer as invalid:
        try:
            return parse_answer(conversation.ask(repair_message(invalid)), columns)
        except InvalidAnswer as again:
            detail = f"{len(again.violations)} faults, the first: {again.violations[0][:100]}"
            raise failure(Code.SUMMARY_INVALID, detail=detail) from again


def _with_title(
    properties: dict[str, PropertyFill], schema: DataSourceSchema, material: Material
) -> dict[str, PropertyFill]:
    """The properties with a title, quoted where the engine gave none."""
    name = schema.title_column.name
    return properties if name in properties else {name: extract.title(material), **properties}
