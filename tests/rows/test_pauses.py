"""What the log says of a site that is paused and works again."""

from __future__ import annotations

import pytest

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.rows.pauses import Canary, choose_canaries, downloader_versions, try_canaries, watched
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.store import Store
from svp_dagster.store.sweep import OwnedLink
from tests.store.examples import POST

RULES = SiteRules(rows_to_pause=1)


def break_down(store: Store) -> None:
    with pytest.raises(SvpError), watched(store, POST, connection_id="ada", rules=RULES):
        raise failure(Code.SITE_CHANGED)


def test_the_log_names_the_versions_when_a_site_is_paused_and_works_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    break_down(store)
    try_canaries(store, "tiktok", [Canary(link=POST)], fetch=lambda _: None)
    assert caplog.messages == [
        f"downloads from tiktok are paused: site_changed ({downloader_versions()})",
        f"downloads from tiktok work again ({downloader_versions()})",
    ]


def test_a_row_that_was_under_way_when_its_site_was_paused_and_works_is_told_too(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with watched(store, POST, connection_id="ada", rules=RULES):
        break_down(store)
    assert caplog.messages[-1] == f"downloads from tiktok work again ({downloader_versions()})"


def test_a_row_that_works_while_nothing_is_paused_is_no_news(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with watched(store, POST, connection_id="ada", rules=RULES):
        pass
    assert caplog.messages == []


def test_a_site_without_any_canary_is_told_to_be_let_through(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    break_down(store)
    try_canaries(store, "tiktok", [], fetch=lambda _: None)
    assert caplog.messages[-1] == "downloads from tiktok are let through: no link is known to try them with"


@pytest.mark.parametrize(
    ("configured", "told"),
    [
        ("cats", "the canary link configured for tiktok can't be used: it isn't a web address"),
        ("https://www.instagram.com/reel/DOpancakes1/", "the canary link configured for tiktok leads to instagram"),
    ],
)
def test_a_configured_canary_that_can_not_be_used_is_told_and_the_others_stand_in(
    store: Store, caplog: pytest.LogCaptureFixture, configured: str, told: str
) -> None:
    with watched(store, POST, connection_id="ada", rules=RULES):
        pass
    platform = store.platforms.get("tiktok")
    assert platform is not None
    rules = SiteRules(canaries={"tiktok": configured})
    known = [OwnedLink(connection_id="ada", link=POST)]
    assert choose_canaries(platform, known=known, rules=rules) == [Canary(link=POST)]
    assert caplog.messages == [told]
