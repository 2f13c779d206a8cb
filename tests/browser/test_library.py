"""The page of an entry: the video beside what came out of it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from svp_dagster.models import Segment
from tests.browser.conftest import Site
from tests.browser.walking import open_upload, set_up

SAID = (
    Segment(start_s=0.5, end_s=4, text="Mash two ripe bananas."),
    Segment(start_s=6, end_s=11, text="Fold in the oats & <b>cinnamon</b>."),
    Segment(start_s=12, end_s=15, text="Fry them for two minutes."),
)
NOW_S = "document.getElementById('player').currentTime"
CUES = "[...document.getElementById('player').textTracks[0].cues].map(cue => [cue.startTime, cue.text])"


def open_entry(page: Page, site: Site) -> None:
    """Set up, and open the page of an upload that is completed."""
    set_up(page, site)
    open_upload(page, site, said=SAID)


def test_a_line_of_the_transcript_jumps_to_its_moment(page: Page, site: Site) -> None:
    open_entry(page, site)
    page.wait_for_function("() => document.getElementById('player').readyState > 0")
    page.get_by_role("link", name="Fold in the oats").click()
    page.wait_for_function(f"() => {NOW_S} >= 6")
    assert page.evaluate(NOW_S) < 12
    expect(page.locator(".transcript [aria-current]")).to_contain_text("Fold in the oats & <b>cinnamon</b>.")
    page.get_by_role("link", name="1:05").first.click()  # a quote after the end of the video
    page.wait_for_function(f"() => {NOW_S} > 15")


def test_the_keyboard_reaches_each_line(page: Page, site: Site) -> None:
    open_entry(page, site)
    page.get_by_role("link", name="Fry them").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {NOW_S} >= 12")


def test_a_browser_reads_the_subtitles(page: Page, site: Site) -> None:
    open_entry(page, site)
    page.evaluate("document.getElementById('player').textTracks[0].mode = 'showing'")
    page.wait_for_function("() => document.getElementById('player').textTracks[0].cues?.length > 0")
    cues = page.evaluate(CUES)
    assert [start for start, _ in cues] == [0.5, 6, 12]
    assert page.evaluate(
        "(text) => new DOMParser().parseFromString(text, 'text/html').body.textContent", cues[1][1]
    ) == ("Fold in the oats & <b>cinnamon</b>.")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="VTT").click()
    assert downloading.value.path().read_text().startswith("WEBVTT\n\n00:00:00.500 --> 00:00:04.000\n")


def test_a_search_shows_where_it_was_found(page: Page, site: Site) -> None:
    open_entry(page, site)
    page.goto(f"{site.url}/entries")
    page.get_by_label("Search").fill("cinnamon")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".snippet mark")).to_have_text("cinnamon")
    expect(page.locator(".snippet")).to_contain_text("Fold in the oats & <b>cinnamon</b>.")
    page.get_by_label("Search").fill("parsley")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("main")).to_contain_text("Nothing was found.")
