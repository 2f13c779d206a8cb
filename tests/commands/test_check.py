"""`svp check`: what it prints and how it exits, with every service a stand-in."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sandbox.assumptions import Assumption, notes
from sandbox.media.posts import post
from sandbox.media.server import MediaSandbox
from svp_dagster.cli import NOT_AS_IT_SHOULD, main
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store, open_store
from tests.commands.checking import answer_as_expected, show_sheet
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.sandbox.ai_service import AiService
from tests.store.examples import sign_in

pytest_plugins = ("tests.media_site", "tests.paid_engines")

POSTS = (
    *("--tiktok", "https://vm.tiktok.com/ZMpasta01/", "--tiktok", post("cafe").link),
    *("--tiktok", post("stretches").link, "--instagram", post("pancakes").link),
    *("--instagram", "https://www.instagram.com/share/reel/BApancake1"),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without keys and `.env`, whose output has a line per row."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def connected(home: Path, notion: NotionSandbox, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same with a connection to Notion."""
    monkeypatch.setenv("NOTION_BASE_URL", notion.url)
    store = open_store(Settings())
    migrate(store.engine)
    sign_in(store, now=datetime.now(UTC), bot_id=notion.bot_id, tokens=Tokens(access=notion.token, refresh=None))
    return store


def svp_check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ("check", *arguments), catch_exceptions=False)


def rows(result: Result) -> dict[str, list[str]]:
    """The cells of each row by the name of its line: verdict, expected, got, cents, what to do."""
    cells = [[cell.strip() for cell in row.split("│")[1:-1]] for row in result.stdout.splitlines() if "│" in row]
    return {name: [verdict, *others] for verdict, name, *others in cells}


@pytest.mark.usefixtures("connected")
def test_all_services_are_asked_and_the_table_says_what_came(
    ai: AiService, site: MediaSandbox, notion: NotionSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_EGRESS_PROXY", site.proxy_url)
    answer_as_expected(ai)
    for count in (30, 15):
        show_sheet(ai, count, small=count)

    done = svp_check("--yes", "--notion-parent", notion.page_id, *POSTS)

    found = rows(done)
    assert done.exit_code == 0, done.stdout
    asked = {name for name, (verdict, *_) in found.items() if verdict == "ok"}
    assert {note.check for note in notes() if isinstance(note, Assumption)} - {"none"} <= asked
    assert done.stderr.startswith("This spends about 0.47 cents (OpenAI about 0.03 cents, ")
    assert found["vision: sheet of 30"][3] == "0.15"
    assert found["notion: linked views, wikis"][0] == "skipped"
    assert "Spent 0.3" in done.stdout
    assert "canary" not in done.output
    assert "no rule knows" not in done.stdout


@pytest.mark.usefixtures("connected")
def test_what_differs_is_an_exit_code_and_what_no_rule_knows_is_kept(
    ai: AiService, connected: Store, notion: NotionSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_VISION_API_KEY")
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-invalid-canary")
    ai.steer("faults", path="/audio/transcriptions", status=418, body={"error": {"message": "tea", "code": "pot"}})

    done = svp_check("--yes", "--notion-parent", notion.page_id)

    found = rows(done)
    assert done.exit_code == NOT_AS_IT_SHOULD
    assert found["gemini: schema"][0] == "failed"
    assert "GEMINI_API_KEY" in found["gemini: schema"][4]
    assert found["vision: sheet of 30"][4] == "Set GOOGLE_VISION_API_KEY."
    assert found["notion: append"][0] == "ok"
    assert "Answers that no rule knows, 1, are kept without secrets: see http://localhost:8600/operator/" in done.stdout
    (kept,) = connected.unknown_answers.all()
    assert (kept.service, kept.status) == ("OpenAI", 418)
    assert "canary" not in done.output


@pytest.mark.usefixtures("home")
def test_without_keys_nothing_is_asked_and_each_line_says_what_is_missing() -> None:
    done = svp_check("--yes")
    assert done.exit_code == 0
    assert {verdict for verdict, *_ in rows(done).values()} == {"skipped"}
    assert rows(done)["notion: token"][4] == "Connect Notion in the app first."
    assert "no paid service is set up" in done.stderr


@pytest.mark.usefixtures("home", "ai")
def test_nothing_is_spent_without_a_yes() -> None:
    refused = svp_check()
    assert refused.exit_code == 2
    assert "This spends about" in refused.stderr
    assert "--yes" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("answer", "exit_code", "asked"), [("n", 1, 0), ("y", NOT_AS_IT_SHOULD, 1)])
def test_at_a_terminal_the_operator_is_asked_first(
    ai: AiService, monkeypatch: pytest.MonkeyPatch, answer: str, exit_code: int, asked: int
) -> None:
    monkeypatch.delenv("GOOGLE_VISION_API_KEY")
    monkeypatch.delenv("GEMINI_API_KEY")
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-c", "from svp_dagster.cli import main; main()", "check"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.stderr.index("This spends about 0.03 cents") < done.stderr.index("Go on?")
    assert (done.returncode, len(ai.requests)) == (exit_code, asked)


@pytest.mark.usefixtures("home")
def test_a_price_that_is_not_known_is_no_price_of_nothing(ai: AiService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_GEMINI_MODEL", "gemini-3.5-flash")
    monkeypatch.delenv("GOOGLE_VISION_API_KEY")
    answer_as_expected(ai)
    done = svp_check("--yes")
    assert "Gemini about unknown cents" in done.stderr
    assert rows(done)["gemini: schema"][3] == "unknown"
    assert "and what has no price here" in done.stdout


@pytest.mark.usefixtures("home", "ai")
def test_a_connection_that_is_not_there_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GOOGLE_VISION_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name)
    done = svp_check("--yes", "--connection", "nobody")
    assert done.exit_code == NOT_AS_IT_SHOULD
    assert rows(done)["notion: token"][2] == "not_connected: connection nobody"
