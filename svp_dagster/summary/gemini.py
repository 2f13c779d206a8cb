"""A conversation with Gemini about one video."""

from __future__ import annotations

from typing import TYPE_CHECKING

from svp_dagster.errors import Code, failure
from svp_dagster.gemini.client import AnswerUnfinished, AnswerWithheld, Model
from svp_dagster.models import JsonObject
from svp_dagster.ports import Meter
from svp_dagster.summary.answers import InvalidAnswer

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content, GenerateContentConfig


PICTURE_KIND = "image/jpeg"


class Conversation:
    """Turns with a model under one system instruction. Without a `schema`, answers are JSON of any shape."""

    def __init__(
        self,
        client: Client,
        *,
        model: str,
        instructions: str,
        schema: JsonObject | None,
        max_output_tokens: int,
        meter: Meter,
    ) -> None:
        self._model = Model(client=client, name=model, service="summary", meter=meter)
        self._instructions = instructions
        self._schema = schema
        self._max_output_tokens = max_output_tokens
        self._turns: list[Content] = []

    def ask(self, text: str, *, picture: bytes | None = None) -> str:
        """Return the model's answer to the next turn. `picture` is a JPEG.

        Raises `InvalidAnswer` if it is cut off or empty, `AnswerWithheld` if it was withheld by chance, twice,
        `SchemaRefused`, `MediaRefused`, or a failure of the table.
        """
        from google.genai import types

        parts = [types.Part(text=text)]
        if picture is not None:
            # Before the text, as ai.google.dev/gemini-api/docs/image-understanding advises for a single picture.
            parts.insert(0, types.Part.from_bytes(data=picture, mime_type=PICTURE_KIND))
        self._turns.append(types.Content(role="user", parts=parts))
        try:
            answer = self._model.answer(self._turns, self._config())
        except AnswerWithheld as withheld:
            if withheld.by_chance:
                raise
            raise failure(Code.SUMMARY_BLOCKED, reason=str(withheld), detail=withheld.reason) from withheld
        except AnswerUnfinished as unfinished:
            self._remember(unfinished.text)
            raise InvalidAnswer(str(unfinished)) from unfinished
        self._remember(answer)
        return answer

    def _remember(self, answer: str) -> None:
        from google.genai import types

        self._turns.append(types.Content(role="model", parts=[types.Part(text=answer or "{}")]))

    def _config(self) -> GenerateContentConfig:
        from google.genai import types

        return types.GenerateContentConfig(
            system_instruction=self._instructions,
            response_mime_type="application/json",
            response_json_schema=self._schema,
            max_output_tokens=self._max_output_tokens,
        )
