"""What `svp check` asks Gemini: values of a known text, in the product's own schema."""

from __future__ import annotations

from collections.abc import Iterator

from svp_dagster.commands.checks.line import Answer, CheckLine, Questions, skipped
from svp_dagster.gemini.client import AnswerWithheld, open_client
from svp_dagster.gemini.failures import SchemaRefused
from svp_dagster.models import ScreenText, Transcript, Video
from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.ports import Summarizer
from svp_dagster.summary import prompt as prompts
from svp_dagster.summary.answers import InvalidAnswer, answer_schema, parse_answer
from svp_dagster.summary.engines import GeminiSummarizer
from svp_dagster.summary.gemini import Conversation
from svp_dagster.summary.material import gather

SERVICE, ASKED = "gemini", "schema"
TEXT = "Banana pancakes for breakfast, ready in 15 minutes."
VALUES = {"minutes": 15, "meal": "breakfast"}
COLUMNS = (
    Column(id="name", name="name", type=ColumnType.TITLE),
    Column(id="minutes", name="minutes", type=ColumnType.NUMBER),
    Column(id="meal", name="meal", type=ColumnType.SELECT, options=("breakfast", "lunch", "dinner")),
)
TOKENS_READ, TOKENS_WRITTEN = 1_500, 400
"""About what the question takes, for the announced cost."""


def check_summary(engine: Summarizer, questions: Questions) -> Iterator[CheckLine]:
    """Yield the one line."""
    if not isinstance(engine, GeminiSummarizer):
        yield skipped(SERVICE, ASKED, "Set GEMINI_API_KEY.")
        return
    expected = f"an answer that fits the schema, with {_shown(VALUES)}"
    yield questions.ask(SERVICE, ASKED, expected=expected, how=lambda: _ask(engine, questions))


def _ask(engine: GeminiSummarizer, questions: Questions) -> Answer:
    try:
        answer = parse_answer(_text(engine, questions), COLUMNS)
    except SchemaRefused as refused:
        advice = "Summaries are asked for without the schema, which still works. Please report it with this table."
        return Answer(got=f"the schema is refused: {refused}", advice=advice)
    except AnswerWithheld as withheld:
        advice = "It withheld the answer to a harmless text twice. Check again later; pages quote instead."
        return Answer(got=f"withheld, finish reason {withheld}", advice=advice)
    except InvalidAnswer as invalid:
        advice = "Such an answer is asked for once more. Please report it with this table if it happens again."
        return Answer(got=f"an answer that does not fit: {invalid}", advice=advice)
    values = {name: fill.value for name, fill in answer.offers.items() if name in VALUES}
    got = f"{_shown(values)}; {_tokens(questions)}"
    if answer.violations:
        return Answer(got=f"{got}; {answer.violations[0]}", advice="The schema is not enforced. Please report it.")
    if values != VALUES:
        return Answer(got=got, advice="Other values than the text has. Choose another model in SVP_GEMINI_MODEL.")
    return Answer(got=got)


def _text(engine: GeminiSummarizer, questions: Questions) -> str:
    """Return the model's text. Raises `SchemaRefused`, `AnswerWithheld`, `InvalidAnswer` and failures of the table."""
    video = Video(media_key="check:1", url="https://www.tiktok.com/@svp/video/1", description=TEXT)
    material = gather(
        video=video, transcript=Transcript(), screen_text=ScreenText(), budget_chars=engine.material_chars
    )
    client = open_client(
        api_key=engine.api_key, base_url=engine.base_url, timeout_s=engine.timeout_s, attempts=engine.attempts
    )
    with client:
        conversation = Conversation(
            client,
            model=engine.model,
            instructions=prompts.instructions(language=None, spoken_language=None),
            schema=answer_schema(COLUMNS),
            max_output_tokens=engine.max_output_tokens,
            meter=questions.tally,
        )
        return conversation.ask(prompts.request(material, prompt=""))


def _tokens(questions: Questions) -> str:
    counts = questions.tally.calls[-1].detail
    if not counts:
        return "tokens not named"
    return f"{counts['input']} tokens read, {counts['output'] + counts['thought']} written"


def _shown(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "no value"
