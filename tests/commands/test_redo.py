"""`svp redo`: completed rows whose pages are made again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from svp_dagster.cli import main
from svp_dagster.models import ContentPage, PaidCall, RedoOutcome
from svp_dagster.notion.column_digest import column_digest
from svp_dagster.settings import Settings
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store, open_store
from tests.store.examples import link, schema, sign_in

NOW = datetime(2026, 11, 20, tzinfo=UTC)
EARLIER = datetime(2026, 9, 1, tzinfo=UTC)
SUMMARY = PaidCall(service="summary", model="gemini", units=900, unit="tokens", cost_usd=0.02)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An installation with two completed rows of the tag Cooking, and one that is pending."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    opened = open_store(Settings())
    migrate(opened.engine)
    connection_id = sign_in(opened, now=NOW).id
    opened.databases.add_content_database(
        connection_id, tag="Cooking", schema=schema(), url="", prompt="Short.", now=NOW
    )
    for page_id, at in (("old", EARLIER), ("new", NOW)):
        opened.entries.request(link(connection_id, at=at, page_id=page_id), now=at)
        opened.entries.claim(page_id, page_id, may_take_over=lambda _: False, now=at)
        opened.entries.note(page_id, page_id, stage="summarize", seconds=1, engine="gemini")
        opened.entries.set_content_page(
            page_id, page_id, ContentPage(page_id=page_id, url="", created=True), data_source_id="source"
        )
        made_for = column_digest(schema(), "Short." if page_id == "new" else "Long.")
        opened.entries.complete(page_id, page_id, made_for=made_for, now=at)
    opened.ledger.add(SUMMARY, connection_id=connection_id, page_id="new", run_id="new", now=datetime.now(UTC))
    opened.entries.request(link(connection_id, at=NOW, page_id="asked"), now=NOW)
    return opened


def svp_redo(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ("redo", *arguments), input=answer, catch_exceptions=False)


def taken(store: Store) -> set[str]:
    return {page_id for page_id, entry in store.entries.known(["old", "new", "asked"]).items() if entry.is_in_redo}


def test_a_dry_run_says_how_many_pages_and_how_much_and_takes_none(store: Store) -> None:
    told = svp_redo("--tag", "Cooking", "--dry-run")

    assert told.exit_code == 0
    assert "2 pages, 2 of them need a download; about $0.04" in told.stdout
    assert told.stderr == "2 pages can be made again.\n"
    assert taken(store) == set()


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ([], {"old", "new"}),
        (["--since", "2026-10-01"], {"new"}),
        (["--until", "2026-10-01"], {"old"}),
        (["--schema-changed"], {"old"}),
        (["--platform", "tiktok", "--engine", "gemini"], {"old", "new"}),
        (["--engine", "extractive"], set()),
        (["--tag", "Places"], set()),
    ],
)
def test_rows_are_chosen_by_what_is_asked(store: Store, options: list[str], rows: set[str]) -> None:
    assert svp_redo(*options, "--yes").exit_code == 0
    assert taken(store) == rows


def test_nothing_is_asked_for_without_a_yes(store: Store) -> None:
    assert svp_redo(answer="n\n").exit_code == 1
    assert taken(store) == set()


def test_the_backfill_is_named_by_what_was_asked(store: Store) -> None:
    told = svp_redo("--tag", "Cooking", "--since", "2026-10-01", "--yes")

    (redo,) = store.redos.unfinished()
    assert f"backfill {redo.id}: 1 pages (Cooking, since 2026-10-01)" in told.stdout


def test_a_row_that_was_made_again_is_not_out_of_date_any_more(store: Store) -> None:
    svp_redo("--schema-changed", "--yes")
    store.entries.claim("old", "again", may_take_over=lambda _: False, now=NOW)
    done = store.entries.complete("old", "again", made_for=column_digest(schema(), "Short."), now=NOW)

    assert done.redo_outcome is RedoOutcome.MADE
    assert svp_redo("--schema-changed", "--dry-run").stderr == "0 pages can be made again.\n"
