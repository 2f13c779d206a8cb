"""What the log says of a site that is paused and works again."""

from __future__ import annotations

import pytest

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.rows.pauses import downloader_versions, platform_of, probe, watched
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.store import Store
from tests.store.examples import LINK

RULES = SiteRules(rows_to_pause=1)


def break_down(store: Store) -> None:
    with pytest.raises(SvpError), watched(store, "row", LINK, rules=RULES):
        raise failure(Code.SITE_CHANGED)


def test_the_log_names_the_versions_when_a_site_is_paused_and_works_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    break_down(store)
    probe(store, "tiktok", [LINK], fetch=lambda _: None)
    assert caplog.messages == [
        f"downloads from tiktok are paused: site_changed ({downloader_versions()})",
        f"downloads from tiktok work again ({downloader_versions()})",
    ]


def test_a_row_that_was_under_way_when_its_site_was_paused_and_works_is_told_too(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with watched(store, "under-way", LINK, rules=RULES):
        break_down(store)
    assert caplog.messages[-1] == f"downloads from tiktok work again ({downloader_versions()})"


def test_a_row_that_works_while_nothing_is_paused_is_no_news(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with watched(store, "row", LINK, rules=RULES):
        pass
    assert caplog.messages == []


def test_a_site_without_any_link_to_probe_it_with_is_told_to_be_let_through(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    break_down(store)
    probe(store, "tiktok", [], fetch=lambda _: None)
    assert caplog.messages[-1] == "downloads from tiktok are let through: no link is known to probe them with"


def test_the_platform_of_a_link() -> None:
    assert platform_of(LINK, extra_hosts=()) == "tiktok"
    assert platform_of("cats", extra_hosts=()) == ""
