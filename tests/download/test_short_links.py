"""Short links that answer some user agents with a page in the place of a redirect."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape

import pytest

from sandbox.faults import Fault
from sandbox.media.server import MediaSandbox
from svp_dagster.download.egress import EgressGuard, Limits, through
from svp_dagster.download.links import parse_link
from svp_dagster.download.short_links import MAX_PAGE_BYTES, follow, post_in_page
from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.models import Link

pytest_plugins = ("tests.media_site",)

SHORT = "https://vm.tiktok.com/ZMpasta01/"
PASTA = "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"
SHARED = "https://www.instagram.com/share/reel/BApancake1"
REEL = "https://www.instagram.com/reel/DOpancakes1/"


def followed(site: MediaSandbox, url: str, announced: list[str] | None = None) -> Link:
    limits = Limits(size_bytes=10_000_000, time_s=30)
    announce = (announced if announced is not None else list[str]()).append
    with EgressGuard(dial=through(site.proxy_url), limits=limits) as guard:
        return follow(parse_link(url), proxy_url=guard.url, timeout_s=5, before_request=announce)


def refused(site: MediaSandbox, url: str) -> SvpError:
    with pytest.raises(SvpError) as caught:
        followed(site, url)
    return caught.value


def agents(site: MediaSandbox) -> list[str]:
    return [record.headers["user-agent"].partition("/")[0] for record in site.recorder.requests]


@pytest.mark.parametrize(("url", "post"), [(SHORT, PASTA), (SHARED, REEL)])
def test_a_link_that_redirects_is_asked_once(site: MediaSandbox, url: str, post: str) -> None:
    assert followed(site, url).url == post
    assert len(site.requests) == 1


def test_a_link_that_redirects_no_bot_is_asked_as_another_user_agent(
    site: MediaSandbox, set_browsers: Callable[..., None]
) -> None:
    set_browsers(not_redirected="facebookexternalhit", has_canonical=False)

    assert followed(site, SHORT).url == PASTA
    assert agents(site) == ["facebookexternalhit", "curl"]


def test_each_request_is_announced_before_it_is_sent(site: MediaSandbox, set_browsers: Callable[..., None]) -> None:
    set_browsers(not_redirected="facebookexternalhit", has_canonical=False)
    announced: list[str] = []

    followed(site, SHORT, announced)

    assert announced == [SHORT, SHORT]
    assert len(site.requests) == 2


def test_the_canonical_link_of_the_page_is_taken_where_no_user_agent_is_redirected(
    site: MediaSandbox, set_browsers: Callable[..., None]
) -> None:
    set_browsers(not_redirected=".")

    assert followed(site, SHORT).url == PASTA
    assert len(site.requests) == 2


def test_a_page_that_names_no_post_is_tried_again_later_and_says_what_helps(
    site: MediaSandbox, set_browsers: Callable[..., None]
) -> None:
    set_browsers(not_redirected=".", has_canonical=False)

    failed = refused(site, SHORT)

    assert (failed.code, failed.retry) == (Code.POST_UNAVAILABLE, Retry.LATER)
    assert "short link" in failed.sentence


@pytest.mark.parametrize(
    "target",
    [
        "https://www.example.com/@a/video/7512345678901234501",
        "https://127.0.0.1/secret",
        "https://www.tiktok.com/",
        SHORT,
    ],
)
def test_a_page_that_names_anything_but_a_post_leads_nowhere(site: MediaSandbox, target: str) -> None:
    page = f'<link rel="canonical" href="{target}"><meta property="og:url" content="{target}">'
    site.faults.add(Fault(path="/vm.tiktok.com/", status=200, body=page, times=None))

    assert refused(site, SHORT).code is Code.POST_UNAVAILABLE
    assert set(site.requests) == {SHORT}


@pytest.mark.parametrize(
    "page",
    [
        f'<link rel="canonical" href="{PASTA}"/>',
        f"<LINK HREF='{PASTA}' REL='Canonical'>",
        f"<link rel=canonical href={PASTA}>",
        f'<meta property="og:url" content="{PASTA}?_r=1&amp;_t=2">',
        f'<meta data-rh="true" content="{escape(PASTA)}" property="og:url">',
        f'<link rel="canonical" href="https://www.tiktok.com/"><meta property="og:url" content="{PASTA}">',
        f'<link rel="stylesheet" href="https://www.tiktok.com/@a/video/1111111"><link rel="canonical" href="{PASTA}">',
    ],
)
def test_the_post_is_found_in_the_head_of_a_page(page: str) -> None:
    found = post_in_page(f"<!doctype html><html><head>{page}</head><body></body></html>")

    assert found is not None
    assert found.url == PASTA


@pytest.mark.parametrize(
    "page",
    [
        "",
        "not a page",
        '<link rel="canonical">',
        f'<a href="{PASTA}">',
        f'<link rel="canonical" href="javascript:alert(1)//{PASTA}">',
        '<link rel="canonical" href="https://[::1">',
        "<link rel=canonical href=" + "a" * MAX_PAGE_BYTES,
    ],
)
def test_a_page_without_the_address_of_a_post_names_none(page: str) -> None:
    assert post_in_page(page) is None


@pytest.mark.parametrize("piece", ["<link ", "<meta property=", "<link rel='", '<link a="', "<!--", "<", "< link href"])
def test_a_hostile_page_is_read_in_time_that_grows_with_its_length(piece: str) -> None:
    began = time.monotonic()

    assert post_in_page(piece * (MAX_PAGE_BYTES // len(piece))) is None
    assert time.monotonic() - began < 2


def test_no_more_of_a_page_than_its_beginning_is_read(site: MediaSandbox) -> None:
    page = " " * 3_000_000 + f'<link rel="canonical" href="{PASTA}">'
    site.faults.add(Fault(path="/vm.tiktok.com/", status=200, body=page, times=None))

    assert refused(site, SHORT).code is Code.POST_UNAVAILABLE
