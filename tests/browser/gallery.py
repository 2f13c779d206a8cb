"""Every page of the app, in the order in which a person meets them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page

from svp_dagster.errors import Code, failure
from svp_dagster.models import Status
from tests.browser.conftest import Site
from tests.browser.walking import Worker, add_link, connect, leave_for_notion, open_upload

POST = "https://www.tiktok.com/@ada/video/730000000000000000"


def every_page(page: Page, site: Site) -> Iterator[str]:
    """Show one page after the other; gives the name of the one that is shown."""
    yield from _before_set_up(page, site)
    yield from _set_up(page, site)
    yield from _links(page, site)
    yield from _library(page, site)
    yield from _databases(page, site)
    yield from _settings(page, site)
    yield from _operator(page, site)


def _before_set_up(page: Page, site: Site) -> Iterator[str]:
    page.goto(site.url)
    yield "start"
    page.goto(f"{site.url}/nothing")
    yield "missing"
    leave_for_notion(page, site)
    page.get_by_role("button", name="Cancel").click()
    yield "not-connected"


def _set_up(page: Page, site: Site) -> Iterator[str]:
    connect(page, site)
    yield "set-up-1"
    page.get_by_role("button", name="Create it for me").click()
    yield "set-up-2"
    page.get_by_role("button", name="Make Cooking").click()
    page.goto(f"{site.url}/entries")
    yield "links-empty"


def _links(page: Page, site: Site) -> Iterator[str]:
    worker = Worker(site)
    for number in range(1, 5):
        add_link(page, f"{POST}{number}")
        link = worker.newest()
        if number == 4:
            continue
        run_id = worker.start(link)
        worker.end_stage(link, run_id, "download", seconds=2.6)
        if number == 1:
            for stage, engine in [("transcribe", "whisper-1"), ("read_screen", "rapidocr"), ("summarize", "quotes")]:
                worker.end_stage(link, run_id, stage, seconds=3.2, engine=engine)
            worker.pay(link, run_id, 0.0061)
            title = "Creamy lemon pasta in fifteen minutes"
            worker.complete(link, run_id, title=title, page_url=site.url, thumbnail=a_picture())
            finished = link
        elif number == 2:
            worker.fail(link, run_id, failure(Code.AUDIO_UNREADABLE))
        else:
            worker.reach(link, run_id, Status.TRANSCRIBING)
    page.goto(f"{site.url}/entries")
    yield "links"
    page.get_by_label("Link of a TikTok").fill("https://example.com/cats")
    page.get_by_role("button", name="Add", exact=True).click()
    yield "links-refused"
    page.goto(f"{site.url}/entries/{finished.page_id}")
    yield "link"
    failed = worker.newest()
    worker.fail(failed, worker.start(failed), failure(Code.GONE))
    worker.break_down("tiktok")
    page.goto(f"{site.url}/entries?show=failed")
    yield "links-failed"
    worker.repair("tiktok")


def a_picture() -> bytes:
    """A small JPEG: a plate on a table."""
    picture = Image.new("RGB", (176, 224), "#c9793f")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((18, 42, 158, 182), fill="#f6f1e7")
    pen.ellipse((46, 70, 130, 154), fill="#eccf5b")
    kept = io.BytesIO()
    picture.save(kept, "JPEG")
    return kept.getvalue()


def _library(page: Page, site: Site) -> Iterator[str]:
    open_upload(page, site)
    yield "entry"
    page.goto(f"{site.url}/entries?q=garlic")
    yield "search"


def _databases(page: Page, site: Site) -> Iterator[str]:
    page.goto(f"{site.url}/databases")
    yield "databases"
    page.get_by_role("link", name="Edit: Cooking").click()
    yield "content-database"
    page.goto(f"{site.url}/databases/new")
    yield "content-database-new"
    page.goto(f"{site.url}/databases/link")
    page.get_by_role("combobox", name="Database").select_option("Cooking")
    page.get_by_role("button", name="Check its columns").click()
    yield "link-database-refused"


def _settings(page: Page, site: Site) -> Iterator[str]:
    page.goto(f"{site.url}/settings")
    yield "settings"
    page.get_by_role("link", name="Delete my data").click()
    yield "delete-my-data"
    page.goto(f"{site.url}/tokens")
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Make a token").click()
    yield "tokens"
    page.goto(f"{site.url}/api")
    yield "api"


def _operator(page: Page, site: Site) -> Iterator[str]:
    page.goto(f"{site.url}/operator")
    yield "operator-key"
    page.get_by_label("Key").fill((Path(os.environ["SVP_HOME"]) / "operator.key").read_text())
    page.get_by_role("button", name="Open").click()
    yield "operator"
    for number, token in enumerate(("secret_9kTq0nB2vXw4LzR7", "secret_from_somebody_else")):
        address = f"192.0.2.{number + 1}"
        site.store.webhook_tokens.offer(token, address=address, now=datetime.now(UTC))
    page.reload()
    yield "operator-offers"
    Worker(site).break_down("tiktok")
    page.reload()
    yield "operator-paused"
