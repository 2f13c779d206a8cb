"""The app's factory. `python -m oauth_app.serving` serves what it makes."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from oauth_app import description, errors, health, identity, rules, security, words
from oauth_app.api import account as api_account
from oauth_app.api import connection as api_connection
from oauth_app.api import databases as api_databases
from oauth_app.api import entries as api_entries
from oauth_app.api import library as api_library
from oauth_app.api import media as api_media
from oauth_app.api import my_data as api_my_data
from oauth_app.api import videos as api_videos
from oauth_app.api.bodies import StrictJson
from oauth_app.pages import (
    connect_notion,
    databases,
    entries,
    my_data,
    operator,
    settings_page,
    sign_in,
    start,
    tokens,
    uploads,
)
from oauth_app.services import Services
from oauth_app.videos import slots, streaming
from oauth_app.watch import metrics, requests
from oauth_app.webhooks import blueprint as webhooks
from svp_dagster.private_files import keep_files_private
from svp_dagster.settings import Settings
from svp_dagster.store.store import app_secret_key, require_keys

COOKIE = "svp_session"
LONGEST_REQUEST_BYTES = 1_000_000
"""A Notion webhook or a schema prompt is far smaller."""


def create_app() -> Flask:
    """Return the WSGI app for this environment. Raises `misconfigured` for unusable settings.

    These are keys that are missing in production, and half an identity provider.
    """
    keep_files_private()
    settings = Settings()
    if settings.production:
        require_keys(settings)
    app = Flask(__name__)
    app.json = StrictJson(app)
    app.request_class = streaming.AppRequest
    app.url_map.merge_slashes = False  # else a path with two is redirected to an address with the Host of the request
    app.config.update(_flask_config(settings))
    app.extensions["svp"] = Services(settings)
    if settings.proxies:
        # Each proxy appends the address that it saw: as many are counted from the end as the operator says there are.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies)  # type: ignore[method-assign]

    security.init_app(app, settings)
    rules.init_app(app)
    identity.init_app(app)
    errors.init_app(app)
    words.init_app(app)
    for module in (
        start,
        sign_in,
        connect_notion,
        databases,
        entries,
        uploads,
        tokens,
        settings_page,
        my_data,
        operator,
    ):
        app.register_blueprint(module.blueprint)
    for module in (
        api_account,
        api_connection,
        api_databases,
        api_entries,
        api_library,
        api_media,
        api_my_data,
        api_videos,
    ):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(webhooks)
    health.init_app(app)
    app.register_blueprint(metrics.blueprint)
    requests.init_app(app)
    description.init_app(app)
    streaming.init_app(app, threads=slots.THREADS)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    is_https = settings.production or urlsplit(settings.app_url).scheme == "https"
    return {
        "SECRET_KEY": app_secret_key(settings),
        # With the prefix, browsers take it from this host over https alone (draft-ietf-httpbis-rfc6265bis, 4.1.3.2).
        "SESSION_COOKIE_NAME": f"__Host-{COOKIE}" if is_https else COOKIE,
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",  # Strict would withhold it on the way back from Notion
        "SESSION_COOKIE_SECURE": is_https,
        "PERMANENT_SESSION_LIFETIME": identity.SESSION_LIFE,
        "SESSION_REFRESH_EACH_REQUEST": False,  # a late answer would bring back the cookie of a session that ended
        "MAX_CONTENT_LENGTH": LONGEST_REQUEST_BYTES,
        "WTF_CSRF_CHECK_DEFAULT": False,  # `rules` says where
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # it compares with the Host header, which proxies rewrite
    }
