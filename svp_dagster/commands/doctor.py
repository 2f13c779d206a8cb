"""`svp doctor`: each setting, key, binary and service: ok, missing or wrong, with what to do."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from svp_dagster import bounded_http, engines
from svp_dagster.commands.doctor_checks.access import ACCESS_CHECKS
from svp_dagster.commands.doctor_checks.alerts import alerts, send_test_alert
from svp_dagster.commands.doctor_checks.storage import files
from svp_dagster.commands.findings import Finding
from svp_dagster.download.instagram import has_session
from svp_dagster.download.turns import split_proxies
from svp_dagster.errors import SvpError
from svp_dagster.prices import load_prices
from svp_dagster.private_files import is_private
from svp_dagster.screen.scripts import table
from svp_dagster.settings import NOTION_PORTAL, Settings
from svp_dagster.speech import local_speech
from svp_dagster.speech.engines import LocalSpeech, OpenAISpeech
from svp_dagster.speech.gemini_speech import GeminiSpeech
from svp_dagster.speech.openai_speech import SUCCESSORS
from svp_dagster.store.engine import is_migrated
from svp_dagster.store.store import open_store

TIMEOUT_S = 10.0
LOW_DISK_BYTES = 2_000_000_000


def examine(settings: Settings, *, test_alert: bool = False) -> list[Finding]:
    """Run all checks at the same time. Return a finding for each."""
    checks: list[Callable[[Settings], Finding]] = [
        _python,
        _home,
        _disk,
        *ACCESS_CHECKS,
        _database,
        files,
        _ffmpeg,
        _downloads,
        _egress,
        _instagram,
        _notion,
        _app_address,
        _notion_client,
        _speech,
        _screen,
        _summary,
        _prices,
        send_test_alert if test_alert else alerts,
    ]
    with ThreadPoolExecutor(len(checks)) as pool:
        return list(pool.map(lambda check: check(settings), checks))


def _python(_settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    return _finding("Python", fits, version, f"{version}: install Python 3.11, 3.12 or 3.13")


def _home(settings: Settings) -> Finding:
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = settings.home / ".doctor"
        written.touch()
        written.unlink()
    except OSError as error:
        return _wrong("Home folder", f"{settings.home}: {error.strerror}; set SVP_HOME to a folder you may write to")
    return _finding("Home folder", is_private(settings.home), str(settings.home), "others can read it: `chmod 700` it")


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free_bytes = shutil.disk_usage(folder).free
    words = f"{free_bytes / 1e9:.1f} GB free"
    return _finding("Disk", free_bytes > LOW_DISK_BYTES, words, f"{words}: make room, videos need some")


def _database(settings: Settings) -> Finding:
    kind = "PostgreSQL" if settings.resolved_database_url.startswith("postgres") else "SQLite"
    try:
        migrated = is_migrated(open_store(settings).engine)
    except (SQLAlchemyError, SvpError) as error:
        # The error's own text can hold the address with its password.
        return _wrong("Database", f"{kind} can't be used ({type(error).__name__}); check DATABASE_URL")
    return _ok("Database", f"{kind}, {'up to date' if migrated else 'tables are made at the next start'}")


def _ffmpeg(_settings: Settings) -> Finding:
    import imageio_ffmpeg

    try:
        binary = imageio_ffmpeg.get_ffmpeg_exe()
        shown = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return _wrong("ffmpeg", "doesn't run; install the wheel imageio-ffmpeg for this platform")
    return _ok("ffmpeg", shown.stdout.split(" Copyright")[0].removeprefix("ffmpeg version "))


def _downloads(settings: Settings) -> Finding:
    from yt_dlp.dependencies import curl_cffi

    version = importlib.metadata.version("yt-dlp")
    if curl_cffi is None:
        return _wrong("yt-dlp", f"{version} without a curl_cffi that it can use: Instagram fails; run `make up` again")
    if settings.cookies_file and not settings.cookies_file.is_file():
        return _wrong("yt-dlp", f"there is no file {settings.cookies_file}; correct SVP_COOKIES_FILE or unset it")
    return _ok("yt-dlp", f"{version}, curl_cffi {importlib.metadata.version('curl_cffi')}")


def _egress(settings: Settings) -> Finding:
    if not settings.egress_proxy:
        return _missing("Proxy for downloads", "none; sites often refuse cloud addresses (SVP_EGRESS_PROXY)")
    for number, proxy in enumerate(split_proxies(settings.egress_proxy), start=1):
        try:
            bounded_http.get(proxy, service="probe", timeout_s=TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            return _wrong("Proxy for downloads", f"number {number} doesn't answer; correct SVP_EGRESS_PROXY")
    return _ok("Proxy for downloads", "answers")


def _instagram(settings: Settings) -> Finding:
    """Report the pace. It is no promise: what Instagram shows to whom is known by asking it alone."""
    minutes = f"{settings.instagram_window_s / 60:g} minutes"
    if settings.cookies_file is not None and has_session(settings.cookies_file):
        return _ok("Instagram", f"with an account's cookies, {settings.instagram_requests_with_cookies} in {minutes}")
    if settings.egress_proxy:
        ways_out = len(split_proxies(settings.egress_proxy))
        return _ok("Instagram", f"through {ways_out} proxies, {settings.instagram_requests} in {minutes} each")
    return _missing(
        "Instagram",
        f"no proxy and no account: {settings.instagram_requests} requests in {minutes}, and from a cloud's address "
        "mostly none; set SVP_EGRESS_PROXY or SVP_COOKIES_FILE",
    )


def _notion(settings: Settings) -> Finding:
    try:
        answer = bounded_http.get(f"{settings.notion_base_url}/v1/users/me", service="probe", timeout_s=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL):
        return _wrong("Notion", f"{settings.notion_base_url} doesn't answer; check the network or NOTION_BASE_URL")
    speaks = answer.headers.get("content-type", "").startswith("application/json")
    return _finding("Notion", speaks, settings.notion_base_url, f"{settings.notion_base_url} isn't Notion's API")


def _app_address(settings: Settings) -> Finding:
    return _finding(
        "App address",
        not _is_ip_over_http(settings.app_url),
        settings.app_url,
        f"{settings.app_url}: Notion takes no IP address as a redirect URI with http; "
        f"set SVP_APP_URL to http://localhost:{settings.app_port}, or to an https address",
    )


def _is_ip_over_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        ip_address(parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme == "http"


def _notion_client(settings: Settings) -> Finding:
    missing = settings.missing_notion_client
    if not missing:
        return _ok("Notion sign-in", f"client id and secret are set; redirect URI {settings.notion_redirect_uri}")
    return _missing(
        "Notion sign-in",
        f"set {' and '.join(missing)}, of a public connection made at {NOTION_PORTAL} "
        f"with the redirect URI {settings.notion_redirect_uri}",
    )


def _speech(settings: Settings) -> Finding:
    engine = engines.speech(settings)
    if isinstance(engine, OpenAISpeech | GeminiSpeech) and not engine.api_key:
        key = "OPENAI_API_KEY" if isinstance(engine, OpenAISpeech) else "GEMINI_API_KEY"
        return _wrong("Speech", f"SVP_SPEECH_ENGINE={settings.speech_engine} needs {key}; set it, or another engine")
    match engine:
        case OpenAISpeech():
            base = settings.openai_base_url or "https://api.openai.com/v1"
            return _service(
                "Speech",
                f"{base}/models/{settings.speech_model}",
                {"Authorization": f"Bearer {_open(engine.api_key)}"},
                key="OPENAI_API_KEY",
                model=settings.speech_model,
                setting="SVP_SPEECH_MODEL",
            )
        case GeminiSpeech():
            return _gemini("Speech", settings, engine.api_key)
        case LocalSpeech():
            keys = "no OPENAI_API_KEY, no GEMINI_API_KEY"
            why = keys if settings.speech_engine == "auto" else "SVP_SPEECH_ENGINE=local"
            return _missing("Speech", f"{why}: captions, else {_local_speech(settings)}")
        case _:
            return _missing("Speech", "SVP_SPEECH_ENGINE=off: captions, else no transcript")


def _local_speech(settings: Settings) -> str:
    if not local_speech.is_installed():
        return "no transcript"
    return f"faster-whisper “{settings.local_speech_model}” where it is present or can be fetched"


def _screen(settings: Settings) -> Finding:
    if settings.vision_api_key:
        return _ok("Screen text", "Google Vision by GOOGLE_VISION_API_KEY (not called: each call is paid)")
    if settings.vision_credentials:
        is_there = settings.vision_credentials.is_file()
        words = "Google Vision by a service account"
        return _finding("Screen text", is_there, words, "GOOGLE_APPLICATION_CREDENTIALS names a file that isn't there")
    return _missing("Screen text", f"no GOOGLE_VISION_API_KEY: RapidOCR on this machine serves, {table.coverage()}")


def _summary(settings: Settings) -> Finding:
    if not settings.gemini_api_key:
        return _missing("Summary", "no GEMINI_API_KEY: sentences are quoted, nothing is written anew")
    return _gemini("Summary", settings, settings.gemini_api_key)


def _gemini(subject: str, settings: Settings, key: SecretStr) -> Finding:
    base = settings.gemini_base_url or "https://generativelanguage.googleapis.com"
    return _service(
        subject,
        f"{base}/v1beta/models/{settings.gemini_model}",
        {"x-goog-api-key": _open(key)},
        key="GEMINI_API_KEY",
        model=settings.gemini_model,
        setting="SVP_GEMINI_MODEL",
    )


def _prices(settings: Settings) -> Finding:
    try:
        load_prices(settings.prices_file)
    except SvpError as error:
        return _wrong("Prices", error.sentence)
    return _ok(
        "Prices", f"list prices, overridden by {settings.prices_file}" if settings.prices_file else "list prices"
    )


def _service(subject: str, url: str, headers: dict[str, str], *, key: str, model: str, setting: str) -> Finding:
    """Request a model's description: it is free, and tells a bad key from a retired model."""
    try:
        response = bounded_http.get(url, service="probe", headers=headers, timeout_s=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL):
        return _wrong(subject, "the service doesn't answer; check the network")
    status = response.status_code
    if status == httpx.codes.OK:
        return _ok(subject, model)
    if status == httpx.codes.NOT_FOUND:
        successor = SUCCESSORS.get(model)
        serves = f" to {successor}, which serves in its place" if successor else ""
        return _wrong(subject, f"the model {model} isn't available (any more); set {setting}{serves}")
    if "SERVICE_DISABLED" in response.text:
        return _wrong(subject, f"the API isn't enabled in the Google project of {key}; enable it in the console")
    if status in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return _wrong(subject, f"the key isn't accepted; set a valid {key}")
    return _wrong(subject, f"the service answers with status {status}; try again later")


def _open(secret: SecretStr) -> str:
    return secret.get_secret_value()


def _finding(subject: str, fits: bool, words: str, advice: str) -> Finding:
    return _ok(subject, words) if fits else _wrong(subject, advice)


def _ok(subject: str, words: str) -> Finding:
    return Finding(subject=subject, state="ok", words=words)


def _missing(subject: str, words: str) -> Finding:
    return Finding(subject=subject, state="missing", words=words)


def _wrong(subject: str, words: str) -> Finding:
    return Finding(subject=subject, state="wrong", words=words)
