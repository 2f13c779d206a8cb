"""The page of an entry: the video beside what came out of it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from svp_dagster.library.files import write_files
from svp_dagster.models import Segment
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from tests.browser.conftest import Site
from tests.browser.walking import Worker, set_up
from tests.library.outcomes import outcome
from tests.media.making import CLIPS

SAID = (
    Segment(start_s=0.5, end_s=4, text="Mash two ripe bananas."),
    Segment(start_s=6, end_s=11, text="Fold in the oats & <b>cinnamon</b>."),
    Segment(start_s=12, end_s=15, text="Fry them for two minutes."),
)
NOW_S = "document.getElementById('player').currentTime"
CUES = "[...document.getElementById('player').textTracks[0].cues].map(cue => [cue.startTime, cue.text])"


def open_entry(page: Page, site: Site) -> str:
    """Upload a video, let the outcome of it be kept, and open its page. Return the entry's id."""
    set_up(page, site)
    page.get_by_label("Or a file of yours").set_input_files(CLIPS / "pancakes.mp4")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="pancakes", exact=True)).to_be_visible()
    worker = Worker(site)
    link = worker.newest()
    run_id = worker.start(link)
    kept = worker.keep(link, run_id, outcome(said=SAID, title="pancakes", values={"Dish": "Pancakes"}))
    write_files(storage(Settings()), link.page_id, kept, sheet=None)
    worker.complete(link, run_id, title="pancakes", page_url=site.url)
    page.goto(f"{site.url}/entries/{link.page_id}")
    return link.page_id


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
    entry_id = open_entry(page, site)
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
    assert entry_id


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
