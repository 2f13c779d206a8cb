"""Several runs ask Instagram at the same time."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.links import parse_link
from svp_dagster.download.turns import address_name, split_proxies
from svp_dagster.errors import Code, SvpError
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once

pytest_plugins = ("tests.media_site",)

RUNS = 5


def ways_out(site: MediaSandbox, *users: str) -> str:
    """Proxies that the stand-in takes for different addresses."""
    return ", ".join(site.proxy_url.replace("//", f"//{user}:secret@") for user in users)


def fetch_all(site: MediaSandbox, store: Store, folder: Path, *, proxies: str, requests: int, count: int) -> list[str]:
    """Download so many posts at once. Return what became of each: a code, or the media key."""
    made = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": "pancakes", "count": count}).json()
    links = [parse_link(each) for each in made["links"]]
    addresses = [address_name(proxy) for proxy in split_proxies(proxies)]
    pace = SitePace(store, SiteRules(addresses=addresses, instagram_requests=requests))
    downloader = YtDlpDownloader(proxy=proxies)

    def fetch(number: int) -> str:
        row = pace.of_row("ada", f"row-{number}")
        try:
            return downloader.fetch(links[number], folder=folder / str(number), pace=row).media_key
        except SvpError as error:
            return error.code

    return all_at_once(fetch, times=count)


def test_runs_that_start_together_ask_for_the_front_page_once(site: MediaSandbox, store: Store, tmp_path: Path) -> None:
    done = fetch_all(site, store, tmp_path, proxies=site.proxy_url, requests=12, count=RUNS)

    assert len(set(done)) == RUNS
    asked = [record.path for record in site.recorder.requests if record.path.startswith("/www.instagram.com/")]
    assert asked.count("/www.instagram.com/") == 1
    assert len(asked) == RUNS + 1


def test_several_proxies_share_the_requests_and_no_credentials_are_kept(
    site: MediaSandbox, store: Store, tmp_path: Path
) -> None:
    httpx.post(f"{site.proxy_url}/_sandbox/throttle", json={"requests": 17}).raise_for_status()
    try:
        done = fetch_all(site, store, tmp_path, proxies=ways_out(site, "one", "two"), requests=4, count=8)
        usage = httpx.get(f"{site.proxy_url}/_sandbox/usage").json()["addresses"]
    finally:
        httpx.delete(f"{site.proxy_url}/_sandbox/throttle").raise_for_status()

    assert {address: counts["taken"] for address, counts in usage.items()} == {"one": 4, "two": 4}
    assert done.count(Code.WAITS_TURN) == 2
    known = store.addresses.all()
    assert len(known) == 2
    for address in known:
        for secret in ("one", "two", "secret", "127.0.0.1"):
            assert secret not in address.name
        assert len(address.requests) == 4


def test_a_password_is_no_part_of_an_address() -> None:
    names = {address_name(f"http://me:{password}@proxy.example:8080") for password in ("a", "b")}
    assert len(names) == 1
    assert address_name("http://you:a@proxy.example:8080") not in names
    assert split_proxies(" http://a:1 ,http://b:2, ") == ("http://a:1", "http://b:2")
    assert split_proxies("") == ("",)


@pytest.mark.parametrize("proxies", ["", "http://proxy.example:8080"])
def test_each_way_out_has_a_name(proxies: str) -> None:
    assert [address_name(each).split()[0] for each in split_proxies(proxies)] == ["instagram"]
