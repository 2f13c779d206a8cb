"""What a person does in the browser, step by step, and a worker that takes rows through their stages."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from svp_dagster.errors import Code, SvpError
from svp_dagster.library.files import write_files
from svp_dagster.models import ContentPage, LinkEntry, Outcome, PaidCall, Segment, Status
from svp_dagster.rows.pauses import downloader_versions
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.store.installation.platforms import FailedPost
from tests.browser.conftest import Site
from tests.library.outcomes import SOUP, outcome
from tests.media.making import CLIPS

VIDEO = "https://www.tiktok.com/@ada/video/7300000000000000001"
LINK_FIELD = "Link of a TikTok or Instagram post"

_MOST_TABS = 40
_FOCUSED_WORDS = """() => {
  const found = document.activeElement;
  const label = found.labels?.[0]?.innerText ?? "";
  return found.getAttribute("aria-label") || found.innerText || label;
}"""


def leave_for_notion(page: Page, site: Site) -> None:
    """Go to the stand-in's authorize page and choose the workspace."""
    page.goto(site.url)
    page.locator("main").get_by_role("link", name="Connect Notion").click()
    page.locator(f'input[name="workspace"][value="{site.notion.workspace_id}"]').check()


def connect(page: Page, site: Site) -> None:
    """Allow access."""
    leave_for_notion(page, site)
    page.get_by_role("button", name="Allow access").click()
    page.wait_for_url(f"{site.url}/**")


def set_up(page: Page, site: Site) -> None:
    """Connect, let the Link Database be created, make Cooking."""
    connect(page, site)
    page.get_by_role("button", name="Create it for me").click()
    page.get_by_role("button", name="Make Cooking").click()
    expect(page.get_by_role("heading", name="Library", exact=True)).to_be_visible()


def add_link(page: Page, url: str) -> None:
    """Add a link on the dashboard."""
    page.get_by_label(LINK_FIELD).fill(url)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("main")).to_contain_text("Added.")


def open_upload(page: Page, site: Site, *, said: tuple[Segment, ...] = SOUP) -> None:
    """Upload a video, let what came out of it be kept, and open its page."""
    page.goto(f"{site.url}/entries")
    page.get_by_label("Or a file of yours").set_input_files(CLIPS / "pancakes.mp4")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="pancakes", exact=True)).to_be_visible()
    worker = Worker(site)
    link = worker.newest()
    run_id = worker.start(link)
    worker.keep(link, run_id, outcome(said=said, title="pancakes", values={"Dish": "Pancakes"}))
    worker.complete(link, run_id, title="pancakes", page_url=site.url)
    page.goto(f"{site.url}/entries/{link.page_id}")


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what says `words` has the focus."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if words in page.evaluate(_FOCUSED_WORDS):
            return
    raise AssertionError(f"{words} can't be reached by Tab")


def press(page: Page, words: str) -> None:
    """Reach a button or link by Tab, and press it."""
    tab_to(page, words)
    with page.expect_navigation():
        page.keyboard.press("Enter")


class Worker:
    """Takes rows through their stages in the store, as a run would."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._entries = site.store.entries
        self._runs = 0

    def newest(self) -> LinkEntry:
        """The link that was added last."""
        (connection,) = self._site.store.connections.all()
        entries, _ = self._entries.page(connection.id, offset=0, limit=1)
        return entries[0].link

    def start(self, link: LinkEntry) -> str:
        """Claim the row; gives the run's id."""
        self._runs += 1
        run_id = f"run-{self._runs}"
        self._entries.claim(link.page_id, run_id, may_take_over=lambda _: False, now=_now())
        return run_id

    def reach(self, link: LinkEntry, run_id: str, status: Status) -> None:
        """Take the row to a stage."""
        self._entries.set_status(link.page_id, run_id, status, now=_now())

    def end_stage(self, link: LinkEntry, run_id: str, stage: str, *, seconds: float = 1.0, engine: str = "") -> None:
        """Note that a stage is over."""
        self._entries.note(link.page_id, run_id, stage=stage, seconds=seconds, engine=engine)

    def pay(self, link: LinkEntry, run_id: str, usd: float) -> None:
        """Note a paid call."""
        call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=usd)
        self._site.store.ledger.add(
            call, connection_id=link.connection_id, page_id=link.page_id, run_id=run_id, now=_now()
        )

    def keep(self, link: LinkEntry, run_id: str, made: Outcome) -> None:
        """Keep what came out of the row, with its files."""
        kept = self._site.store.library.keep(link.page_id, run_id, made, now=_now())
        write_files(storage(Settings()), link.page_id, kept, sheet=CLIPS / "pancakes.jpg")

    def complete(
        self, link: LinkEntry, run_id: str, *, title: str, page_url: str, thumbnail: bytes | None = None
    ) -> None:
        """End the row well."""
        media_key = f"tiktok:{link.page_id}" if thumbnail else None
        if media_key and thumbnail:
            self._site.thumbnails.put(media_key, thumbnail)
        self._entries.note(link.page_id, run_id, stage="publish", seconds=0.5, title=title, media_key=media_key)
        made = ContentPage(page_id=f"page of {link.page_id}", url=page_url, created=True)
        self._entries.set_content_page(link.page_id, run_id, made, data_source_id="source")
        self._entries.complete(link.page_id, run_id, now=_now())

    def break_down(self, platform: str) -> None:
        """Let a row fail as it does when its site changed; that pauses the site."""
        self._site.store.platforms.failed(
            platform,
            failed=FailedPost(connection_id="ada", post="1"),
            code=Code.SITE_CHANGED,
            rows_to_pause=1,
            downloader=downloader_versions(),
            now=_now(),
        )

    def repair(self, platform: str) -> None:
        """Let a row of a site be downloaded."""
        self._site.store.platforms.worked(platform, by_canary=False, downloader=downloader_versions(), now=_now())

    def fail(self, link: LinkEntry, run_id: str, error: SvpError) -> None:
        """End the row badly."""
        self._entries.fail(link.page_id, run_id, failure_rule(error), now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
