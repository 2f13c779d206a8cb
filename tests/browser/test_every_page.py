"""Every page: fit for a phone, fit for everybody.

With SCREENSHOTS=docs/screenshots in the environment it also takes the pictures of the documentation.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Site
from tests.browser.gallery import every_page

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PICTURES = os.environ.get("SCREENSHOTS")
SHOWN_IN_THE_DOCUMENTATION = (
    "first-start",
    "start",
    "set-up-1",
    "set-up-2",
    "links",
    "link",
    "entry",
    "search",
    "databases",
    "content-database",
    "content-database-new",
    "link-database-refused",
    "not-connected",
    "settings",
    "delete-my-data",
    "tokens",
    "api",
    "operator",
    "operator-offers",
)
SHOWN_DARK_TOO = ("start", "links", "entry")


def test_every_page_fits_a_phone_and_shuts_nobody_out(page: Page, site: Site) -> None:
    for name in every_page(page, site):
        require_fit(page, name)


def test_so_does_the_page_of_the_first_start(page: Page, new_site: Site) -> None:
    page.goto(new_site.url)
    expect(page.get_by_text("http://localhost:8600/auth/notion/callback", exact=True)).to_be_visible()
    require_fit(page, "first-start")


def require_fit(page: Page, name: str) -> None:
    """Check the page that is shown at desktop and phone width, in both schemes, and take its pictures."""
    for scheme in ("light", "dark"):
        look_at(page, DESKTOP, scheme)
        assert "\n".join(problems(page)) == "", f"{name}, {scheme}"
        picture(page, f"{name}-{scheme}")
    look_at(page, PHONE, "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    assert "\n".join(problems(page)) == "", f"{name}, on a phone"
    picture(page, f"{name}-phone")
    look_at(page, DESKTOP, "light")


def look_at(page: Page, size: dict[str, int], scheme: Literal["light", "dark"]) -> None:
    """Show the page in this way; without transitions, whose half-way colours nobody reads."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.evaluate("document.getAnimations().forEach(found => found.finish())")


def problems(page: Page) -> list[str]:
    """What axe-core finds on the page, a line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: Any = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def picture(page: Page, name: str) -> None:
    """Keep a picture, where pictures are wanted."""
    shown, _, way = name.rpartition("-")
    if not PICTURES or shown not in SHOWN_IN_THE_DOCUMENTATION or (way == "dark" and shown not in SHOWN_DARK_TOO):
        return
    folder = Path(PICTURES)
    folder.mkdir(parents=True, exist_ok=True)
    taken = page.screenshot(full_page=shown != "api", animations="disabled")
    # 128 colours are enough for these pages, and a third of the size.
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(128).save(folder / f"{name}.png", optimize=True)
