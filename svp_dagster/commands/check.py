"""`svp check`: ask each real service for the smallest thing that proves it, and print a table of what came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from svp_dagster import unknown_answers
from svp_dagster.commands.checks import notion, screen, speech, summary
from svp_dagster.commands.checks.line import CheckLine, Questions, SeenAnswers, skipped
from svp_dagster.commands.checks.probe import Probe
from svp_dagster.commands.checks.sites import check_site
from svp_dagster.commands.process import Tally
from svp_dagster.download.stage import download
from svp_dagster.engines import Engines, choose_engines
from svp_dagster.models import Link, Video
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.ports import Pace
from svp_dagster.prices import Prices, load_prices
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.site_rules import site_rules
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.rows.unknown_answers import StoredUnknownAnswers
from svp_dagster.screen.engines import VisionReader
from svp_dagster.screen.vision import FEATURE
from svp_dagster.settings import Settings
from svp_dagster.speech.engines import OpenAISpeech
from svp_dagster.speech.gemini_speech import GeminiSpeech
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store
from svp_dagster.summary.engines import GeminiSummarizer

_COLUMNS = ("", "asked", "expected", "got", "cents", "what to do")
_COLOURS = {"ok": "green", "differs": "yellow", "failed": "red", "skipped": "dim"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the operator chose. '' and () stand for what is found by itself."""

    connection_id: str = ""
    notion_parent: str = ""
    tiktok: Sequence[str] = ()
    instagram: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """The lines, and how many answers came that no rule knows."""

    lines: tuple[CheckLine, ...]
    unknown_answers: int

    @property
    def is_good(self) -> bool:
        """Whether everything that was asked was answered as expected."""
        return all(line.verdict in ("ok", "skipped") for line in self.lines)


def announcement(settings: Settings) -> str:
    """Return what the check will spend, at the prices of this installation."""
    chosen, prices = choose_engines(settings), load_prices(settings.prices_file)
    costs = dict(_costs(chosen, prices))
    parts = [f"{service} about {_cents(cost)} cents" for service, cost in costs.items()]
    known = [cost for cost in costs.values() if cost is not None]
    total = f"{_cents(sum(known))} cents{'' if len(known) == len(costs) else ' and what has no price here'}"
    return (
        f"This spends about {total} ({', '.join(parts) or 'no paid service is set up'}). In Notion a page with "
        f"{notion.BLOCKS_MADE} blocks is made and thrown away; sites are asked for the posts that you name."
    )


def check(settings: Settings, asked: Asked) -> Report:
    """Ask all services, one after the other. Raises `misconfigured` for unusable settings before anything is asked."""
    tokens, chosen = TokenStore(), choose_engines(settings)
    migrate(tokens.store.engine)  # unknown answers are kept there
    seen = SeenAnswers(StoredUnknownAnswers(tokens.store))
    questions = Questions(Tally(load_prices(settings.prices_file)), seen)
    unknown_answers.keep_in(seen)
    try:
        lines = tuple(_lines(settings, asked, questions, tokens=tokens, chosen=chosen))
    finally:
        unknown_answers.keep_in(StoredUnknownAnswers(tokens.store))
    return Report(lines=lines, unknown_answers=len(seen.kinds))


def show(report: Report, settings: Settings) -> None:
    """Print the table, the cost, and where unknown answers are kept."""
    table = Table(*(Column(name, overflow="fold") for name in _COLUMNS))
    for line in report.lines:
        verdict = Text(line.verdict, style=_COLOURS[line.verdict])
        cells = (line.name, line.expected, line.got, _cents(line.cost_usd), line.advice)
        table.add_row(verdict, *map(Text, cells))
    console = Console(highlight=False)
    console.print(table)
    costs = [line.cost_usd for line in report.lines]
    known = sum(cost for cost in costs if cost is not None)
    console.print(f"Spent {_cents(known)} cents{' and what has no price here' if None in costs else ''}.")
    if report.unknown_answers:
        page = f"{settings.app_url.rstrip('/')}/operator/"
        console.print(f"Answers that no rule knows, {report.unknown_answers}, are kept without secrets: see {page}")


def _lines(
    settings: Settings, asked: Asked, questions: Questions, *, tokens: TokenStore, chosen: Engines
) -> Iterator[CheckLine]:
    store = tokens.store
    yield from _notion(settings, asked, questions, tokens)
    yield from speech.check_speech(chosen.speech, questions)
    yield from screen.check_screen(chosen.screen_reader, questions)
    yield from summary.check_summary(chosen.summarizer, questions)
    pace = SitePace(store, site_rules(settings)).of_row("", "check")
    fetch = partial(_fetch, chosen, store, pace)
    for platform, urls, canary in (
        ("tiktok", asked.tiktok, settings.canary_tiktok),
        ("instagram", asked.instagram, settings.canary_instagram),
    ):
        yield from check_site(platform, urls or [url for url in [canary] if url], questions, fetch=fetch)


def _fetch(chosen: Engines, store: Store, pace: Pace, link: Link, folder: Path) -> Video:
    return download(link, downloader=chosen.downloader, folder=folder, browsers=store.platforms, pace=pace)


def _notion(settings: Settings, asked: Asked, questions: Questions, tokens: TokenStore) -> list[CheckLine]:
    connection_id = _connection_id(tokens.store, asked.connection_id)
    if not connection_id:
        return [skipped(notion.SERVICE, "token", "Connect Notion in the app first.")]
    with closing(NotionResource(base_url=settings.notion_base_url)) as resource:
        calls = resource.calls(connection_id, tokens)
        workspace = Workspace(calls, connection_id=connection_id)
        probe = Probe(calls, connection_id=connection_id)
        return notion.check_notion(workspace, probe, questions, parent_id=asked.notion_parent)


def _connection_id(store: Store, wanted: str) -> str:
    """Return the id of the wanted connection, else of the first that is active, else ''."""
    if wanted:
        return wanted
    return next((connection.id for connection in store.connections.all() if connection.has_notion), "")


def _costs(chosen: Engines, prices: Prices) -> Iterator[tuple[str, float | None]]:
    if isinstance(chosen.speech, OpenAISpeech):
        yield "OpenAI", prices.of_speech(chosen.speech.model, seconds=speech.BILLED_S)
    if isinstance(chosen.speech, GeminiSpeech):
        read, written = speech.TOKENS_READ, speech.TOKENS_WRITTEN
        yield "Gemini for speech", prices.of_tokens(chosen.speech.model, read=read, written=written)
    if isinstance(chosen.screen_reader, VisionReader):
        yield "Google Vision", prices.of_images(FEATURE, count=len(screen.SHEETS))
    if isinstance(chosen.summarizer, GeminiSummarizer):
        read, written = summary.TOKENS_READ, summary.TOKENS_WRITTEN
        yield "Gemini", prices.of_tokens(chosen.summarizer.model, read=read, written=written)


def _cents(cost_usd: float | None) -> str:
    if cost_usd is None:
        return "unknown"
    return f"{cost_usd * 100:.2f}" if cost_usd else "0"
