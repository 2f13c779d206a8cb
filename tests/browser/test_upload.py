"""Uploading a file, as a person does it in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from tests.browser.conftest import Site
from tests.browser.walking import set_up
from tests.oauth_app.videos.sending import CLIP

PHONE = {"width": 390, "height": 844}
FILE_FIELD = "Or a file of yours"
SLOW_BYTES_PER_S = 2_000_000
DROP = """([zone, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])], name));
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def slow_down(page: Page) -> None:
    line = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": SLOW_BYTES_PER_S}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that takes a while."""
    path = tmp_path / "Long talk.mp4"
    path.write_bytes(CLIP.read_bytes() + bytes(8_000_000))
    return path


def uploads(site: Site) -> list[str]:
    (connection,) = site.store.connections.all()
    entries, _ = site.store.uploads.page(connection.id, statuses=None, offset=0, limit=9)
    return [entry.title for entry in entries]


def test_a_file_goes_up_with_its_progress_on_a_phone(page: Page, site: Site, large: Path) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    set_up(page, site)
    slow_down(page)
    page.get_by_label(FILE_FIELD).set_input_files(large)
    expect(page.locator("#upload [role=status]")).to_contain_text("Long talk.mp4, 8.2 MB")
    page.get_by_label("Tag of the file").select_option("cooking")
    page.get_by_role("button", name="Upload").click()
    bar = page.get_by_role("progressbar", name="Upload")
    expect(bar).to_be_visible()
    expect(page.locator("#upload progress")).not_to_have_js_property("value", 0)
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    expect(page.get_by_role("link", name="Long talk", exact=True)).to_be_visible(timeout=30_000)
    assert uploads(site) == ["Long talk"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_upload_that_is_cancelled_leaves_nothing(page: Page, site: Site, large: Path) -> None:
    set_up(page, site)
    slow_down(page)
    page.get_by_label(FILE_FIELD).set_input_files(large)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#upload progress")).not_to_have_js_property("value", 0)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#upload [role=status]")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()
    page.wait_for_timeout(500)
    assert uploads(site) == []
    assert storage(Settings()).keys("uploads") == []


def test_what_is_refused_is_said_beside_the_form(page: Page, site: Site, tmp_path: Path) -> None:
    set_up(page, site)
    alert = page.locator("#upload [role=alert]")
    for name, content, words in (
        ("clip.mp4", b"hello", "By its content this is no file of a kind"),
        ("empty.mp4", b"", "This file is empty"),
    ):
        (tmp_path / name).write_bytes(content)
        page.get_by_label(FILE_FIELD).set_input_files(tmp_path / name)
        page.get_by_role("button", name="Upload").click()
        expect(alert).to_contain_text(words)
    assert uploads(site) == []


def test_a_file_is_dropped(page: Page, site: Site) -> None:
    set_up(page, site)
    zone = page.locator("#upload .drop").element_handle()
    page.evaluate(DROP, [zone, "Dropped.png"])
    expect(page.locator("#upload [role=status]")).to_contain_text("Dropped.png")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="Dropped", exact=True)).to_be_visible()
    assert uploads(site) == ["Dropped"]
