"""The app's factory: `gunicorn "oauth_app.app:create_app()"`."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from oauth_app import description, errors, identity, security, words
from oauth_app.api import connection as api_connection
from oauth_app.api import databases as api_databases
from oauth_app.api import entries as api_entries
from oauth_app.api import my_data as api_my_data
from oauth_app.health import blueprint as health
from oauth_app.pages import databases, entries, my_data, operator, settings_page, sign_in, start, tokens
from oauth_app.services import Services
from oauth_app.webhooks import blueprint as webhooks
from svp_dagster.errors import Code, failure
from svp_dagster.private_files import keep_files_private
from svp_dagster.settings import Settings
from svp_dagster.store.crypto import local_secret

COOKIE = "svp_session"
LONGEST_REQUEST_BYTES = 1_000_000
"""A Notion webhook or a schema prompt is far smaller."""


def create_app() -> Flask:
    """Return the WSGI app for this environment. Raises `misconfigured` in production without its secrets."""
    keep_files_private()
    settings = Settings()
    app = Flask(__name__)
    app.config.update(_flask_config(settings))
    app.extensions["svp"] = Services(settings)
    if settings.production:
        # In production TLS ends at one proxy before us, which appends the client's address.
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]

    security.init_app(app, settings)
    identity.init_app(app)
    errors.init_app(app)
    words.init_app(app)
    for module in (start, sign_in, databases, entries, tokens, settings_page, my_data, operator):
        app.register_blueprint(module.blueprint)
    for module in (api_connection, api_databases, api_entries, api_my_data):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(health)
    app.register_blueprint(webhooks)
    description.init_app(app)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    is_https = settings.production or urlsplit(settings.app_url).scheme == "https"
    return {
        "SECRET_KEY": _secret_key(settings),
        # With the prefix, browsers take it from this host over https alone (draft-ietf-httpbis-rfc6265bis, 4.1.3.2).
        "SESSION_COOKIE_NAME": f"__Host-{COOKIE}" if is_https else COOKIE,
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",  # Strict would withhold it on the way back from Notion
        "SESSION_COOKIE_SECURE": is_https,
        "PERMANENT_SESSION_LIFETIME": identity.SESSION_LIFE,
        "SESSION_REFRESH_EACH_REQUEST": False,  # a late answer would bring back the cookie of a session that ended
        "MAX_CONTENT_LENGTH": LONGEST_REQUEST_BYTES,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # it compares with the Host header, which proxies rewrite
    }


def _secret_key(settings: Settings) -> str:
    if settings.app_secret_key:
        return settings.app_secret_key.get_secret_value()
    if settings.production:
        raise failure(Code.MISCONFIGURED, reason="SVP_APP_SECRET_KEY is not set; make a key with `svp new-key`")
    return local_secret(settings.home / "app.key")
