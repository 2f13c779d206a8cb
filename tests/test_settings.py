"""Settings come from the environment alone, and secrets among them are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import make_url

from svp_dagster.environment.secret_files import is_secret, variables
from svp_dagster.errors import SvpError
from svp_dagster.models import BlockBudget, PageOptions
from svp_dagster.settings import Settings

CANARY = "canary-of-a-secret"
REPOSITORY = Path(__file__).parent.parent


def variable_names(field: str) -> list[str]:
    """The environment variables that a field is read from."""
    return variables(Settings, field)


SECRETS = [
    name for name, field in Settings.model_fields.items() if SecretStr in getattr(field.annotation, "__args__", ())
]


def test_an_empty_environment_is_a_good_one() -> None:
    settings = Settings()
    assert settings.home == Path(".svp").absolute()
    assert settings.work_folder == settings.home / "work"
    assert make_url(settings.resolved_database_url).database == str(settings.home / "svp.sqlite")
    assert not settings.production


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_read_and_never_shown(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variable_names(secret):
        with monkeypatch.context() as environment:
            environment.setenv(name, CANARY)
            settings = Settings()
        assert getattr(settings, secret).get_secret_value() == CANARY
        assert CANARY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_every_secret_is_typed_as_one() -> None:
    telling = ("key", "secret", "database_url", "alert_urls", "token")
    names = {name for name in Settings.model_fields if any(part in name for part in telling)}
    assert names == set(SECRETS)


FILED = [(name, variable) for name in (*SECRETS, "egress_proxy") for variable in variable_names(name)]


@pytest.mark.parametrize(("field", "variable"), FILED)
def test_a_secret_can_stand_in_a_file(
    field: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"  {CANARY}\n\n")
    monkeypatch.setenv(f"{variable}_FILE", str(file))

    settings = Settings()

    value = getattr(settings, field)
    assert (value.get_secret_value() if isinstance(value, SecretStr) else value) == CANARY
    assert CANARY not in f"{settings!r} {settings}"


def test_nothing_but_secrets_is_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name for name, field in Settings.model_fields.items() if is_secret(field)} == {*SECRETS, "egress_proxy"}
    (tmp_path / "model").write_text("another")
    monkeypatch.setenv("SVP_GEMINI_MODEL_FILE", str(tmp_path / "model"))
    assert Settings().gemini_model == Settings.model_fields["gemini_model"].default


def refusal() -> str:
    """What is said about settings that are refused, with the error's causes."""
    with pytest.raises(SvpError) as caught:
        Settings()
    assert caught.value.__cause__ is None
    return caught.value.sentence


def test_a_secret_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(CANARY)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("DATABASE_URL", CANARY)
    assert "DATABASE_URL and DATABASE_URL_FILE are both set; keep one of them" in refusal()
    monkeypatch.setenv("DATABASE_URL", "")  # as a copied .env.example has it
    assert Settings().resolved_database_url == CANARY


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't be read (FileNotFoundError)"),
        (b"canary\xff", "can't be read (UnicodeDecodeError)"),
        (b" \n", "is empty"),
    ],
)
def test_a_file_without_a_secret_is_named_by_its_variable(
    content: bytes | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("NOTION_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    said = refusal()
    assert f"the file that NOTION_CLIENT_SECRET_FILE names {reason}" in said
    assert "canary" not in said


def test_the_platforms_port_counts_where_the_operator_set_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8080")
    assert Settings().app_port == 8080
    monkeypatch.setenv("SVP_APP_PORT", "8601")
    assert Settings().app_port == 8601


def test_a_proxys_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_EGRESS_PROXY", f"http://svp:{CANARY}@proxy.example.org:3128")
    settings = Settings()
    assert CANARY in settings.egress_proxy
    assert CANARY not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SVP_TILES_PER_SHEET", "canary"),
        ("SVP_TILES_PER_SHEET", "0x3"),
        ("SVP_POLL_INTERVAL_S", "canary"),
        ("SVP_POLL_INTERVAL_S", "1"),
        ("SVP_APP_THREADS", "0"),
        ("SVP_PROXIES", "-1"),
        ("SVP_BLOCK_BUDGET", "canary"),
        ("SVP_MONTHLY_BUDGET_USD", "-1"),
        ("SVP_MONTHLY_BUDGET_USD", "nan"),
        ("SVP_MAX_DURATION_S", "0"),
        ("SVP_MAX_SIZE_BYTES", "canary"),
    ],
)
def test_a_wrong_value_is_named_but_not_quoted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert name.removeprefix("SVP_").lower() in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_an_empty_variable_counts_as_not_set(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = getattr(Settings(), field)
    for name in variable_names(field):
        monkeypatch.setenv(name, "")
    assert getattr(Settings(), field) == default


def test_the_home_folder_is_the_same_from_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SVP_HOME", "~/svp")
    assert Settings().home == tmp_path / "svp"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SVP_HOME", "here")
    assert Settings().home == tmp_path / "here"


def test_a_database_url_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://svp:pw@db/svp")
    assert Settings().resolved_database_url == "postgresql://svp:pw@db/svp"


def test_gemini_takes_its_own_key_before_googles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "googles")
    monkeypatch.setenv("GEMINI_API_KEY", "its own")
    key = Settings().gemini_api_key
    assert key is not None
    assert key.get_secret_value() == "its own"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().production = True  # type: ignore[misc]


def test_what_a_page_shows_is_set_with_the_rest_and_handed_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_BLOCK_BUDGET", "full")
    monkeypatch.setenv("SVP_PAGE_CHAPTERS", "false")

    options = Settings().page_options

    assert options == PageOptions(block_budget=BlockBudget.FULL, page_chapters=False)
    assert type(options) is PageOptions


def test_the_example_lists_every_setting_and_no_other() -> None:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    listed = {line.lstrip("# ").split("=")[0] for line in lines if "=" in line and line.lstrip("# ")[0].isupper()}
    fields = {field: set(variable_names(field)) for field in Settings.model_fields}
    assert [field for field, names in fields.items() if not names & listed] == []
    assert listed - set().union(*fields.values()) == set()


def test_the_example_leaves_alone_what_the_image_sets() -> None:
    """`docker run --env-file .env` wins over the image: a copied example must not move its data or hide its ports."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    of_the_image = {
        pair.split("=")[0] for line in dockerfile.splitlines() if line.startswith("ENV ") for pair in line.split()[1:]
    }
    example = (REPOSITORY / ".env.example").read_text().splitlines()
    of_the_example = {line.split("=")[0] for line in example if "=" in line and not line.startswith("#")}
    assert {"SVP_HOME", "SVP_PRODUCTION"} <= of_the_image
    assert of_the_image & of_the_example == set()
