"""The store: every table behind one object, one attribute per concern."""

from __future__ import annotations

from pydantic import SecretStr
from sqlalchemy import Engine

from svp_dagster.errors import Code, failure
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Connections
from svp_dagster.store.contents import Contents, Ledger
from svp_dagster.store.crypto import TokenCipher, local_secret
from svp_dagster.store.databases import Databases
from svp_dagster.store.digests import Digests
from svp_dagster.store.engine import process_engine
from svp_dagster.store.entries import Entries
from svp_dagster.store.history import History
from svp_dagster.store.installation.addresses import Addresses
from svp_dagster.store.installation.alerts import Alerts
from svp_dagster.store.installation.platforms import Platforms
from svp_dagster.store.installation.tallies import KeptTallies
from svp_dagster.store.installation.unknown_answers import UnknownAnswers
from svp_dagster.store.library.library import Library
from svp_dagster.store.my_data.deletion import Deletions
from svp_dagster.store.my_data.export import MyData
from svp_dagster.store.polling.polls import Polls
from svp_dagster.store.redos.redos import Redos
from svp_dagster.store.reservations import Reservations
from svp_dagster.store.sweep import Sweep
from svp_dagster.store.uploads import Uploads
from svp_dagster.store.web.callers import Web
from svp_dagster.store.web.notion_links import NotionLinks
from svp_dagster.store.web.webhook_tokens import WebhookTokens

OPERATOR_KEY_FILE = "operator.key"
APP_KEY_FILE = "app.key"
SHORTEST_KEY_BYTES = 32
"""A shorter key can be guessed, with nothing but a cookie that it signed."""


class Store:
    """All tables. Cheap to make: the engine connects when first used."""

    def __init__(self, engine: Engine, cipher: TokenCipher) -> None:
        self.engine = engine
        self.connections = Connections(engine, cipher)
        self.databases = Databases(engine)
        self.polls = Polls(engine)
        self.entries = Entries(engine)
        self.uploads = Uploads(engine)
        self.library = Library(engine)
        self.sweep = Sweep(engine)
        self.platforms = Platforms(engine)
        self.addresses = Addresses(engine)
        self.alerts = Alerts(engine)
        self.contents = Contents(engine)
        self.ledger = Ledger(engine)
        self.reservations = Reservations(engine)
        self.history = History(engine)
        self.digests = Digests(engine)
        self.redos = Redos(engine)
        self.unknown_answers = UnknownAnswers(engine)
        self.tallies = KeptTallies(engine)
        self.web = Web(engine)
        self.notion_links = NotionLinks(engine)
        self.webhook_tokens = WebhookTokens(engine, cipher)
        self.my_data = MyData(engine)
        self.deletions = Deletions(engine, cipher)


def open_store(settings: Settings) -> Store:
    """Return the installation's store, on the engine that all stores of this process share.

    Raises `misconfigured` for a missing or malformed encryption key.
    """
    return Store(process_engine(settings.resolved_database_url), TokenCipher(encryption_keys(settings)))


def encryption_keys(settings: Settings) -> str:
    """Return the keys from the settings, else the one that the first local start makes and keeps with mode 0600.

    In production a missing key is an error: a key made in a container would be lost with it, and the tokens too.
    """
    if settings.encryption_keys:
        return settings.encryption_keys.get_secret_value()
    if settings.production:
        raise failure(Code.MISCONFIGURED, reason="SVP_ENCRYPTION_KEYS is not set; make a key with `svp new-key`")
    return local_secret(settings.home / "encryption.key")


def operator_key(settings: Settings) -> str:
    """Return the key that opens the operator's page and the Dagster UI. See `_key` for where it is from."""
    return _key("SVP_OPERATOR_KEY", settings.operator_key, settings, file=OPERATOR_KEY_FILE)


def app_secret_key(settings: Settings) -> str:
    """Return the key that signs the app's cookies. See `_key` for where it is from."""
    return _key("SVP_APP_SECRET_KEY", settings.app_secret_key, settings, file=APP_KEY_FILE)


def require_keys(settings: Settings) -> None:
    """Make the keys that a local installation lacks. In production raise `misconfigured` for a missing or weak one."""
    TokenCipher(encryption_keys(settings))
    app_secret_key(settings)
    operator_key(settings)


def _key(name: str, given: SecretStr | None, settings: Settings, *, file: str) -> str:
    """Return a key from the settings, or the one that is made locally and kept with mode 0600.

    In production it must be set: the app and the Dagster UI may run where they share no folder.
    """
    key = given.get_secret_value() if given else ""
    if settings.production and len(key.encode()) < SHORTEST_KEY_BYTES:
        raise failure(
            Code.MISCONFIGURED,
            reason=f"{name} is not set, or shorter than {SHORTEST_KEY_BYTES} bytes; make a key with `svp new-key`",
        )
    return key or local_secret(settings.home / file)
