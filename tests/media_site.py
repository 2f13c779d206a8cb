"""The stand-in for TikTok and Instagram as a fixture, trusted by this process while a test uses it.

A test module takes it with `pytest_plugins = ("tests.media_site",)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from sandbox.media.server import MediaSandbox, serve_media

TRUST_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


@pytest.fixture(scope="session")
def _served_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaSandbox]:
    with serve_media(tmp_path_factory.mktemp("media-site")) as site:
        yield site


@pytest.fixture
def site(_served_site: MediaSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaSandbox]:
    """The running stand-in, with no faults and no requests recorded yet."""
    for name in TRUST_VARIABLES:
        monkeypatch.setenv(name, str(_served_site.ca_path))
    _served_site.recorder.clear()
    yield _served_site
    _served_site.faults.clear()


@pytest.fixture
def set_browsers(site: MediaSandbox) -> Iterator[Callable[..., None]]:
    """Set fields of `sandbox.media.browsers.Browsers`: which user agents get no data, or no redirect."""
    address = f"{site.proxy_url}/_sandbox/browsers"

    def set_browsers(**fields: object) -> None:
        httpx.post(address, json=fields).raise_for_status()

    yield set_browsers
    httpx.delete(address).raise_for_status()
