"""`svp process`: one video through the stages, without Notion and without Dagster."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from svp_dagster.commands.pipeline import Engines, Outcome, Pipeline, Wish
from svp_dagster.download.links import parse_link
from svp_dagster.engines import choose_engines
from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject, PaidCall, ProcessingType, Value
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.publish.body import made_by
from svp_dagster.settings import Settings

DEFAULT_COLUMNS = {
    "title": "title",
    "summary": "rich_text",
    "tags": "multi_select",
    "link": "url",
}


class Result(Outcome):
    """What came out of a video, and what was paid."""

    paid_calls: tuple[PaidCall, ...]


class Unkept:
    """Contents of a single video: nothing was kept before, and nothing is kept."""

    def get(self, media_key: str, kind: str, recipe: str) -> JsonObject | None:  # noqa: ARG002 (the port's signature)
        """Nothing."""
        return None

    def put(self, media_key: str, kind: str, recipe: str, value: JsonObject) -> None:
        """Forget it."""


class Tally:
    """Counts what was paid; the caller of the command is the budget."""

    def __init__(self) -> None:
        self.calls: list[PaidCall] = []

    def require_budget(self) -> None:
        """Pass."""

    def record(self, call: PaidCall) -> None:
        """Count a call."""
        self.calls.append(call)


def process(
    source: str, *, settings: Settings, schema: DataSourceSchema, prompt: str, processing_type: ProcessingType
) -> Result:
    """Take a URL or a file through the stages, a progress bar each on stderr. Raises failures of the table."""
    found = Path(source) if Path(source).is_file() else parse_link(source, extra_hosts=settings.extra_hosts)
    wish = Wish(
        columns=schema, prompt=prompt, language=settings.output_language or None, processing_type=processing_type
    )
    tally = Tally()
    with (
        tempfile.TemporaryDirectory(prefix="svp-") as scratch,
        _progress() as progress,
    ):
        pipeline = Pipeline(
            engines=engines(settings),
            contents=Unkept(),
            meter=tally,
            folder=Path(scratch),
            watch=partial(_bar, progress),
        )
        outcome = pipeline.run(found, wish)
    return Result(**dict(outcome), paid_calls=tuple(tally.calls))


def engines(settings: Settings) -> Engines:
    """The engines of these settings, ready to be used."""
    chosen: dict[str, Any] = {**choose_engines(settings, secret=os.environ.__getitem__)}
    return Engines(**chosen)


class _SchemaFile(Value):
    """The form of `--schema FILE`."""

    columns: dict[str, str | JsonObject]
    prompt: str = ""


def read_schema(path: Path | None) -> tuple[DataSourceSchema, str]:
    """Columns and prompt from a JSON file, or the default ones. Raises `misconfigured` with what is wrong.

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


def _schema(columns: dict[str, Any]) -> DataSourceSchema:
    described = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in columns.items()}
    return DataSourceSchema(
        data_source_id="",
        database_id="",
        title="",
        columns=tuple(Column(id=name, name=name, **column) for name, column in described.items()),
    )


def as_json(result: Result) -> str:
    """Return the result for programs: without paths of files that are gone."""
    paths: dict[str, Any] = {"video_path": True, "audio_path": True, "slides": True, "cover_path": True}
    gone = {"video": paths | {"files": {"__all__": {"path"}}}}
    return json.dumps(result.model_dump(mode="json", exclude=gone), ensure_ascii=False, indent=2)


def as_markdown(result: Result) -> str:
    """The result for people."""
    video, summary = result.video, result.summary
    values = [f"- **{_plain(name)}**: {_plain(_words(fill.value))}" for name, fill in summary.properties.items()]
    blank = [f"- *{_plain(name)}* left blank: {_plain(reason)}" for name, reason in summary.left_blank.items()]
    read = [f"- {line.first_s or 0:.0f} s: {_plain(line.text)}" for line in result.screen_text.lines]
    parts = [
        f"# {_plain(video.title) or video.media_key}",
        video.url,
        _plain(summary.overview),
        "\n".join(values + blank),
        f"## Transcript ({result.transcript.source})",
        _plain(result.transcript.text) or result.transcript.note,
        f"## On the screen ({result.screen_text.source})",
        "\n".join(read) or result.screen_text.note,
        f"*{made_by(summary)} {_cost(result.paid_calls)}*",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(text: str) -> str:
    # Text from a video is data: it must not become markup.
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(text.split()))


def _cost(calls: tuple[PaidCall, ...]) -> str:
    if any(call.cost_usd is None for call in calls):
        return "Cost unknown."
    return f"Cost ${sum(call.cost_usd or 0 for call in calls):.4f}."


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def _bar(progress: Progress, name: str) -> Iterator[Callable[[float], None]]:
    """A stage's bar: runs while the stage does, full when it ends well."""
    task = progress.add_task(name, total=None)
    try:
        yield lambda share: progress.update(task, total=1.0, completed=share)
        progress.update(task, total=1.0, completed=1.0)
    finally:
        progress.stop_task(task)
