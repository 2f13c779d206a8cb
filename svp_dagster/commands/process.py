"""`svp process`: run one video through the stages, without Notion and Dagster."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from svp_dagster.commands.pipeline import Options, Pipeline
from svp_dagster.download.links import parse_link
from svp_dagster.engines import choose_engines
from svp_dagster.errors import Code, failure
from svp_dagster.models import Outcome, PaidCall, ProcessingType, Usage, Value
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema
from svp_dagster.ports import Kept
from svp_dagster.prices import Prices, load_prices
from svp_dagster.settings import Settings

DEFAULT_COLUMNS = {
    "title": ColumnType.TITLE,
    "summary": ColumnType.RICH_TEXT,
    "tags": ColumnType.MULTI_SELECT,
    "link": ColumnType.URL,
}


class Result(Outcome):
    """The results of the stages, and what was paid."""

    paid_calls: tuple[PaidCall, ...]


class Unkept:
    """Contents that keep nothing."""

    def get(self, media_key: str, kind: str, recipe: str, shape: type[Kept]) -> Kept | None:  # noqa: ARG002 (the port's signature)
        """Return None."""
        return None

    def put(self, media_key: str, kind: str, recipe: str, value: Value) -> None:
        """Do nothing."""


class Tally:
    """A meter without a budget that lists the calls."""

    def __init__(self, prices: Prices) -> None:
        self.calls: list[PaidCall] = []
        self._prices = prices

    def require_budget(self) -> None:
        """Pass."""

    def record(self, usage: Usage) -> None:
        """Add a call to the list."""
        self.calls.append(self._prices.priced(usage))


def process(
    source: str, *, settings: Settings, schema: DataSourceSchema, prompt: str, processing_type: ProcessingType
) -> Result:
    """Run a URL or a file through the stages, with a progress bar each on stderr.

    Raises `misconfigured` for an unusable price file before anything is paid, and the failures of the stages.
    """
    tally = Tally(load_prices(settings.prices_file))
    found = Path(source) if Path(source).is_file() else parse_link(source, extra_hosts=settings.extra_hosts)
    options = Options(
        data_schema=schema, prompt=prompt, language=settings.output_language or None, processing_type=processing_type
    )
    with (
        tempfile.TemporaryDirectory(prefix="svp-") as scratch,
        _progress() as progress,
    ):
        pipeline = Pipeline(
            engines=choose_engines(settings),
            contents=Unkept(),
            meter=tally,
            folder=Path(scratch),
            watch=partial(_bar, progress),
        )
        outcome = pipeline.run(found, options)
    return Result(**dict(outcome), paid_calls=tuple(tally.calls))


class _ColumnEntry(Value):
    """A column of `--schema FILE`."""

    type: ColumnType
    description: str = ""
    options: tuple[str, ...] = ()
    number_format: str | None = None
    relation_data_source_id: str | None = None


class _SchemaFile(Value):
    """The form of `--schema FILE`. A column is its type alone, or more about it."""

    columns: dict[str, ColumnType | _ColumnEntry]
    prompt: str = ""


def read_schema(path: Path | None) -> tuple[DataSourceSchema, str]:
    """Return columns and prompt of a JSON file, or the default ones. Raises `misconfigured` with the reason.

    `{"columns": {"name": "title", "kind": {"type": "select", "options": ["a", "b"]}}, "prompt": "…"}`
    """
    if path is None:
        return _schema(DEFAULT_COLUMNS), ""
    try:
        file = _SchemaFile.model_validate_json(path.read_text())
        return _schema(file.columns), file.prompt
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        example = '{"columns": {"name": "title", "kind": {"type": "select", "options": ["a", "b"]}}, "prompt": ""}'
        raise failure(Code.MISCONFIGURED, reason=f"{path} is not of the form {example}", detail=str(error)) from error


def _schema(columns: Mapping[str, ColumnType | _ColumnEntry]) -> DataSourceSchema:
    entries = {name: _ColumnEntry(type=one) if isinstance(one, ColumnType) else one for name, one in columns.items()}
    return DataSourceSchema(
        data_source_id="",
        database_id="",
        title="",
        columns=tuple(Column(id=name, name=name, **dict(entry)) for name, entry in entries.items()),
    )


def cost_words(calls: tuple[PaidCall, ...]) -> str:
    """Return a sentence about what was paid."""
    if any(call.cost_usd is None for call in calls):
        return "Cost unknown."
    return f"Cost ${sum(call.cost_usd or 0 for call in calls):.4f}."


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def _bar(progress: Progress, name: str) -> Iterator[Callable[[float], None]]:
    """Show a stage's bar, full once the stage succeeded."""
    task = progress.add_task(name, total=None)
    try:
        yield lambda share: progress.update(task, total=1.0, completed=share)
        progress.update(task, total=1.0, completed=1.0)
    finally:
        progress.stop_task(task)
