"""All configuration, from the environment. `.env.example` lists the same names with words for people.

Nothing is read at import: call `Settings()`. The command line loads `.env` into the environment first.
Secrets are `SecretStr`, which no log, repr or error shows. Each may stand in a file (`environment/secret_files.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from svp_dagster.environment.secret_files import SecretFiles
from svp_dagster.models import PageOptions

SpeechEngineName = Literal["auto", "openai", "gemini", "local", "off"]

NOTION_PORTAL = "https://app.notion.com/developers/connections"
"""Where a public connection is made: https://developers.notion.com/guides/get-started/public-connections"""

SHORTEST_JWT_SECRET_BYTES = 32
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Settings(BaseSettings, PageOptions):
    """One installation's settings, with those of its pages among them (`PageOptions`).

    Field names in capitals, with the prefix `SVP_` unless an alias says otherwise.
    """

    model_config = SettingsConfigDict(
        env_prefix="SVP_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, frozen=True
    )

    home: Path = Field(default=Path(".svp"), description="Folder of databases, keys, logs and work files.")
    production: bool = Field(default=False, description="Refuse defaults that are only fit for one's own machine.")
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    storage: str = Field(default="", description="Where files lie: a folder, s3://bucket/prefix or gs://bucket/prefix.")
    encryption_keys: SecretStr | None = Field(
        default=None, description="Fernet keys, comma-separated; the first encrypts, all decrypt."
    )

    # Notion takes `http` for the host `localhost` alone, not for 127.0.0.1: django-allauth's page on its Notion
    # provider, https://github.com/vellum-ai/vellum-assistant/pull/16495
    app_url: str = Field(default="http://localhost:8600", description="Address at which people reach the app.")
    app_host: str = "127.0.0.1"
    # Cloud Run and other platforms say the port in PORT: https://cloud.google.com/run/docs/container-contract#port
    app_port: int = Field(default=8600, validation_alias=AliasChoices("SVP_APP_PORT", "PORT"))
    app_threads: int = Field(default=16, ge=1, description="Requests that the app works on at the same time.")
    proxies: int = Field(default=0, ge=0, description="Reverse proxies before the app whose headers are believed.")
    app_secret_key: SecretStr | None = Field(default=None, description="Signs the app's cookies.")
    cors_origins: str = Field(default="", description="Origins that may call the API, comma-separated.")
    dagster_host: str = "127.0.0.1"
    dagster_port: int = 3000
    dagster_url: str = Field(default="", description="Address of the Dagster UI, for links; empty: host and port.")
    dagster_hosts: str = Field(
        default="", pattern=r"^[^*/]*$", description="More host names the Dagster UI answers to, comma-separated."
    )
    dagster_config: Path | None = Field(default=None, description="YAML whose sections replace those of dagster.yaml.")
    operator_key: SecretStr | None = Field(default=None, description="Opens the operator's page and the Dagster UI.")

    jwt_secret: SecretStr | None = Field(default=None, description="HS256 secret of the identity provider's tokens.")
    jwt_jwks_url: str = Field(default="", description="Or the address of its public keys (RS256, ES256).")
    jwt_issuer: str = Field(default="", description="What its tokens name as `iss`.")
    jwt_audience: str = Field(default="authenticated", description="What they name as `aud`; Supabase's by default.")
    jwt_leeway_s: int = Field(default=60, ge=0, le=120, description="How far its clock may differ from ours.")

    notion_client_id: str = Field(default="", validation_alias="NOTION_CLIENT_ID")
    notion_client_secret: SecretStr | None = Field(default=None, validation_alias="NOTION_CLIENT_SECRET")
    notion_base_url: str = Field(default="https://api.notion.com", validation_alias="NOTION_BASE_URL")
    poll_interval_s: int = Field(default=60, ge=5, description="How often each Link Database is asked.")
    poll_sensors: int = Field(default=1, ge=1, le=16, description="Sensors that share the Link Databases.")
    runs_per_connection: int = Field(default=10, ge=1, description="Runs one connection may have, queued or going on.")

    speech_engine: SpeechEngineName = Field(default="auto", description="Who hears; `auto`: the keys decide.")
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str = Field(default="", validation_alias="OPENAI_BASE_URL")
    speech_model: str = Field(default="whisper-1", description="OpenAI's transcription model.")
    local_speech_model: str = Field(default="base", description="faster-whisper's model: a name or a folder.")

    vision_api_key: SecretStr | None = Field(default=None, validation_alias="GOOGLE_VISION_API_KEY")
    vision_credentials: Path | None = Field(default=None, validation_alias="GOOGLE_APPLICATION_CREDENTIALS")
    vision_endpoint: str = Field(default="", description="Another address of the Vision API, scheme included.")
    tiles_per_sheet: int = Field(default=30, ge=1, le=60, description="Frames in one paid picture.")

    gemini_api_key: SecretStr | None = Field(default=None, validation_alias="GEMINI_API_KEY")
    gemini_base_url: str = Field(default="", validation_alias="GOOGLE_GEMINI_BASE_URL")
    gemini_model: str = "gemini-3.5-flash-lite"
    check_support: bool = Field(default=True, description="Ask Gemini once more which values their quotes support.")
    output_language: str = Field(default="", description="Default language of summaries; empty: the video's own.")
    monthly_budget_usd: float | None = Field(default=None, ge=0, description="Per connection and month; unset: no cap.")
    # About 2,000 videos of a minute. It holds on one's own machine too: a bill surprises more than a link that waits.
    installation_budget_usd: float | None = Field(
        default=20.0, ge=0, description="All connections together, per month; `none`: no cap."
    )
    # About 100 videos of a minute: enough to find out what it does, too little to be worth a stranger's trouble.
    new_connection_budget_usd: float | None = Field(
        default=1.0, ge=0, description="Per month and connection that the operator doesn't trust; `none`: no cap."
    )
    prices_file: Path | None = Field(default=None, description="JSON that overrides the price table.")

    egress_proxy: str = Field(default="", repr=False, description="Proxies for TikTok and Instagram, comma-separated.")
    cookies_file: Path | None = Field(default=None, description="Netscape cookie file for yt-dlp.")
    instagram_requests: int = Field(default=12, ge=1, description="Requests to Instagram per address and window.")
    # Assumed: nobody publishes what an account may do. If wrong: the account is asked to prove that it is a person.
    instagram_requests_with_cookies: int = Field(default=60, ge=1, description="The same with an account's cookies.")
    instagram_window_s: float = Field(default=600, gt=0, description="The window of these, in seconds.")
    media_kept_hours: float = Field(default=24, ge=0, description="Hours for which the media of a post are kept.")
    media_kept_bytes: int = Field(default=5_000_000_000, ge=0, description="What kept media may take in the storage.")
    allowed_sites: str = Field(default="", description="More sites of yt-dlp's, comma-separated, e.g. youtube.com.")
    rows_to_pause: int = Field(default=5, ge=1, description="Posts that fail in a row until their platform is paused.")
    canary_tiktok: str = Field(default="", description="Canary link of TikTok; empty: links that worked.")
    canary_instagram: str = Field(default="", description="Canary link of Instagram; empty: links that worked.")
    max_duration_s: int = Field(default=1800, ge=1)
    max_size_bytes: int = Field(default=200_000_000, ge=1)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias="LOG_LEVEL", description="From which level on the project's loggers log."
    )
    # OpenTelemetry's own SDK reads it, and all its other variables, from the environment (`telemetry.traces`).
    otlp_endpoint: str = Field(
        default="", validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", description="Where traces go; empty: nowhere."
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token that reads `/metrics`; empty: the operator's key does."
    )

    alert_urls: SecretStr | None = Field(
        default=None, description="Where alerts to the operator go: addresses as Apprise takes them, space-separated."
    )
    alert_after_minutes: int = Field(
        default=60, ge=5, description="Alert when rows wait for so long and no page was made meanwhile."
    )

    partitions_kept_days: int = Field(default=14, ge=1, description="Days a finished row stays in Dagster's catalogue.")
    runs_kept_days: int = Field(default=30, ge=1, description="Days a finished run stays in Dagster.")
    contents_kept_days: int = Field(default=365, ge=1, description="Days after which a result may be paid for again.")
    library_kept_days: int | None = Field(default=None, ge=1, description="Days an outcome is kept; unset: for good.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic-settings passes it by name)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (this too)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, and the files that it names."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("monthly_budget_usd", "installation_budget_usd", "new_connection_budget_usd", mode="before")
    @classmethod
    def _none(cls, cap: object) -> object:
        return None if isinstance(cap, str) and cap.strip().lower() == "none" else cap

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def resolved_database_url(self) -> str:
        """`DATABASE_URL`, or a SQLite file in the home folder. May hold a password: not for logs."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.home / 'svp.sqlite'}"

    @property
    def notion_redirect_uri(self) -> str:
        """Where Notion sends a person back to after the sign-in. The public connection must list it."""
        return f"{self.app_url.rstrip('/')}/auth/notion/callback"

    @property
    def is_personal(self) -> bool:
        """Whether who connects Notion must sit at this machine: Notion sends nobody else back to the app."""
        is_for_others = self.production or self.proxies > 0
        hosts = (self.app_host, urlsplit(self.app_url).hostname)
        return not is_for_others and all(host in _LOOPBACK for host in hosts)

    @property
    def takes_jwts(self) -> bool:
        """Whether tokens of an identity provider are accepted."""
        return self.jwt_secret is not None or bool(self.jwt_jwks_url)

    @property
    def jwt_problem(self) -> str:
        """What is wrong with the settings of the identity provider; '' for nothing."""
        if self.jwt_secret is not None and self.jwt_jwks_url:
            return "SVP_JWT_SECRET and SVP_JWT_JWKS_URL are both set; keep the one that the tokens are signed with"
        if not self.takes_jwts:
            return "SVP_JWT_ISSUER is set without SVP_JWT_SECRET or SVP_JWT_JWKS_URL" if self.jwt_issuer else ""
        if not self.jwt_issuer:
            return "SVP_JWT_ISSUER is not set; it is what the tokens name as `iss`"
        # RFC 7518, section 3.2: the secret of HS256 has at least 256 bits.
        if self.jwt_secret is not None and len(self.jwt_secret.get_secret_value().encode()) < SHORTEST_JWT_SECRET_BYTES:
            return f"SVP_JWT_SECRET is shorter than {SHORTEST_JWT_SECRET_BYTES} bytes"
        if self.jwt_jwks_url and not _is_safe_to_fetch(self.jwt_jwks_url):
            return "SVP_JWT_JWKS_URL must begin with https:// (http:// on this machine alone)"
        return ""

    @property
    def missing_notion_client(self) -> list[str]:
        """The variables of the public connection that are not set. Nobody can connect Notion without them."""
        given = {"NOTION_CLIENT_ID": self.notion_client_id, "NOTION_CLIENT_SECRET": self.notion_client_secret}
        return [name for name, value in given.items() if not value]

    @property
    def extra_hosts(self) -> list[str]:
        """The sites of `allowed_sites`."""
        return [site.strip() for site in self.allowed_sites.split(",") if site.strip()]

    @property
    def page_options(self) -> PageOptions:
        """The settings of pages alone, for whom no secret is meant."""
        return PageOptions(**self.model_dump(include=set(PageOptions.model_fields)))

    @property
    def extra_dagster_hosts(self) -> list[str]:
        """The names of `dagster_hosts`."""
        return [name.strip() for name in self.dagster_hosts.split(",") if name.strip()]

    @property
    def dagster_address(self) -> str:
        """Where the Dagster UI is reached, for links."""
        return self.dagster_url or f"http://{self.dagster_host}:{self.dagster_port}"

    @property
    def work_folder(self) -> Path:
        """Where each run has its folder of temporary files."""
        return self.home / "work"


def _is_safe_to_fetch(url: str) -> bool:
    """Return whether nobody between can exchange what an address answers."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )
