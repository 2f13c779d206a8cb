"""Debian's Chromium, without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Run it with these flags too. Skips the test where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: install Debian's package chromium to run the browser tests")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS, *flags])
        yield launched
        launched.close()


@contextmanager
def profile_on_disk(browser: Browser, folder: Path) -> Iterator[BrowserContext]:
    """Run another, as people have it: with a profile in a folder, and *Back* to pages that are still alive.

    The folder is complete after the block.
    """
    context = browser.browser_type.launch_persistent_context(
        folder, executable_path=CHROMIUM, args=_FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield context
    context.close()
