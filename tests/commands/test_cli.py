"""The command line: what it prints and how it exits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from svp_dagster.cli import NOT_AS_IT_SHOULD, main
from svp_dagster.commands.processes import free_port
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.store import open_store
from tests.store.examples import use_webhook_token


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and no `.env`."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def svp(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("home")
def test_a_key_can_be_made_and_used() -> None:
    made = svp("new-key")
    assert made.exit_code == 0
    Fernet(made.stdout.strip())


def test_keys_are_rotated_and_the_old_one_can_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = svp("new-key").stdout.strip(), svp("new-key").stdout.strip()
    monkeypatch.setenv("SVP_ENCRYPTION_KEYS", old)
    assert svp("migrate").exit_code == 0
    connection = open_store(Settings()).connections.save(
        bot_id="bot",
        workspace_id="w",
        workspace_name="Kitchen",
        workspace_icon="",
        owner_id="",
        owner_name="",
        tokens=Tokens(access="secret-access", refresh="secret-refresh"),
        now=datetime.now(UTC),
    )
    store = open_store(Settings())
    use_webhook_token(store, "secret-webhook", now=datetime.now(UTC))
    monkeypatch.setenv("SVP_ENCRYPTION_KEYS", f"{new},{old}")
    assert "1 connections and 1 secrets" in svp("rotate-keys").stdout

    monkeypatch.setenv("SVP_ENCRYPTION_KEYS", new)
    kept = open_store(Settings()).webhook_tokens.in_use()
    assert kept is not None
    assert kept.token == "secret-webhook"
    tokens = open_store(Settings()).connections.tokens(connection.id)
    assert tokens is not None
    assert (tokens.access, tokens.refresh) == ("secret-access", "secret-refresh")
    assert home.exists()


@pytest.mark.usefixtures("home")
def test_a_setting_without_sense_is_named_and_never_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_POLL_INTERVAL_S", "canary-often")
    failed = svp("migrate")
    assert failed.exit_code == 1
    assert "poll_interval_s" in failed.stderr
    assert "canary" not in failed.stderr


@pytest.mark.usefixtures("home")
def test_in_production_a_missing_key_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_PRODUCTION", "true")
    failed = svp("migrate")
    assert failed.exit_code == 1
    assert "SVP_ENCRYPTION_KEYS is not set" in failed.stderr
    assert "svp new-key" in failed.stderr


def test_settings_are_read_from_the_env_file_of_the_folder(home: Path) -> None:
    Path(".env").write_text("SVP_PRODUCTION=true\n")
    assert svp("migrate").exit_code == 1
    assert not (home / "encryption.key").exists()


@pytest.mark.usefixtures("home")
def test_doctor_says_what_is_missing_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SVP_COOKIES_FILE", "/no/such/file")
    report = svp("doctor")
    lines = {line[9:30].strip(): line for line in report.stdout.splitlines()}

    assert report.exit_code == NOT_AS_IT_SHOULD
    assert lines["ffmpeg"].startswith("ok")
    assert lines["Database"].startswith("ok")
    assert lines["Notion"].startswith("WRONG")
    assert "NOTION_BASE_URL" in lines["Notion"]
    assert lines["yt-dlp"].startswith("WRONG")
    assert "SVP_COOKIES_FILE" in lines["yt-dlp"]
    assert lines["Summary"].startswith("missing")
    assert lines["Notion sign-in"].startswith("missing")
    assert "https://app.notion.com/developers/connections" in lines["Notion sign-in"]
    assert "http://localhost:8600/auth/notion/callback" in lines["Notion sign-in"]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("http://127.0.0.1:8600", "WRONG"),
        ("http://[::1]:8600", "WRONG"),
        ("http://localhost:8600", "ok"),
        ("https://192.0.2.7", "ok"),
        ("", "ok"),
    ],
)
def test_doctor_refuses_an_app_address_that_notion_takes_nobody_back_to(
    monkeypatch: pytest.MonkeyPatch, url: str, state: str
) -> None:
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SVP_APP_URL", url)
    line = next(line for line in svp("doctor").stdout.splitlines() if " App address" in line)
    assert line.startswith(state)
    assert (state == "ok") != ("SVP_APP_URL" in line and "http://localhost:8600" in line)


@pytest.mark.parametrize(
    "kind",
    ['"selct"', '{"type": "selct"}', '{"type": "select", "name": "b"}', '{"options": ["a"]}', "1"],
    ids=["no such type", "no such type in full", "a second name", "no type", "no word"],
)
@pytest.mark.usefixtures("home")
def test_columns_that_make_no_sense_are_told_before_anything_is_fetched(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "columns.json"
    file.write_text(f'{{"columns": {{"name": "title", "a": {kind}}}}}')

    failed = svp("process", str(tmp_path / "nothing.mp4"), "--schema", str(file))

    assert failed.exit_code == 1
    assert "columns.json is not of the form" in failed.stderr


@pytest.mark.parametrize("command", [("up",), ("process", "video.mp4")])
def test_a_broken_price_file_is_a_sentence_before_anything_starts(
    home: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    Path("prices.json").write_text('{"whisper-1": 3}')
    monkeypatch.setenv("SVP_PRICES_FILE", "prices.json")
    monkeypatch.setenv("SVP_APP_PORT", str(free_port()))
    monkeypatch.setenv("SVP_DAGSTER_PORT", str(free_port()))
    failed = svp(*command)
    assert failed.exit_code == 1
    assert "the price file prices.json (SVP_PRICES_FILE) can't be used" in failed.stderr
    assert not home.exists()


@pytest.mark.usefixtures("home")
def test_doctor_says_how_much_instagram_will_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def words() -> str:
        return next(line for line in svp("doctor").stdout.splitlines() if " Instagram" in line)

    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    assert "12 requests in 10 minutes, and from a cloud's address mostly none" in words()
    monkeypatch.setenv("SVP_EGRESS_PROXY", "http://127.0.0.1:9, http://127.0.0.1:10")
    assert "through 2 proxies, 12 in 10 minutes each" in words()
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(".instagram.com\tTRUE\t/\tTRUE\t1900000000\tsessionid\tx\n")
    monkeypatch.setenv("SVP_COOKIES_FILE", str(cookies))
    assert "with an account's cookies, 60 in 10 minutes" in words()


@pytest.mark.usefixtures("home")
def test_doctor_names_a_broken_price_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    assert "list prices" in next(line for line in svp("doctor").stdout.splitlines() if " Prices" in line)
    monkeypatch.setenv("SVP_PRICES_FILE", "/no/such/prices.json")
    line = next(line for line in svp("doctor").stdout.splitlines() if " Prices" in line)
    assert line.startswith("WRONG")
    assert "the price file prices.json" in line


@pytest.mark.usefixtures("home")
def test_an_unknown_command_is_a_usage_error() -> None:
    assert svp("fly").exit_code == 2
