"""Which browsers to imitate at a site that answers some of them as it answers robots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

BROWSER: Final = "browser"
"""Our extractor's own key: the browser that got an answer after others had got none."""

MAX_CHROMES: Final = 4
"""Chrome's newest versions are refused together: TikTok answered chrome-146 while it refused newer ones."""
_OTHERS: Final = ("safari", "edge")
_MOBILE: Final = ("ios", "android")


class Browser(Protocol):
    """A browser that curl_cffi can imitate. Its text is its name, such as `chrome-146:macos-26`."""

    @property
    def client(self) -> str | None:
        """The kind of browser."""

    @property
    def version(self) -> str | None:
        """Its version."""

    @property
    def os(self) -> str | None:
        """The operating system under it."""


B = TypeVar("B", bound=Browser)


def in_order(supported: Sequence[B], *, first: str | None) -> list[B]:
    """Return the browsers to try: the one named `first`, then Chrome's newest versions, Safari and Edge.

    `supported` are all that there are, each kind from the newest to the oldest. Phones get other pages.
    """
    desktop = [browser for browser in supported if browser.os not in _MOBILE]
    chromes = {browser.version: browser for browser in reversed(desktop) if browser.client == "chrome"}
    newest = sorted(chromes.values(), key=desktop.index)[:MAX_CHROMES]
    others = [next((browser for browser in desktop if browser.client == kind), None) for kind in _OTHERS]
    known = [browser for browser in supported if str(browser) == first]
    return list(dict.fromkeys([*known, *newest, *(browser for browser in others if browser is not None)]))
