"""What the sites say instead of a post: codes and words, throttles, pages for robots."""

import json
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from curl_cffi import requests as curl

from sandbox.media import instagram
from sandbox.media.posts import InstagramPost, post
from sandbox.media.server import MediaSandbox, serve_media
from sandbox.media.throttle import ANSWERS

NEWEST, OLDER = "chrome152", "chrome146"
"""The newest of curl_cffi's Chrome targets, and one that worked when that didn't."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[MediaSandbox]:
    with serve_media(tmp_path) as running:
        yield running


def client(site: MediaSandbox, *, address: str = "", **headers: str) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(site.ca_path))
    proxy = site.proxy_url.replace("//", f"//{address}:x@") if address else site.proxy_url
    return httpx.Client(proxy=proxy, verify=trust, timeout=5, headers=headers)


def steer(site: MediaSandbox, what: str, **fields: Any) -> None:
    httpx.post(f"{site.proxy_url}/_sandbox/{what}", json=fields).raise_for_status()


def usage(site: MediaSandbox) -> Any:
    return httpx.get(f"{site.proxy_url}/_sandbox/usage").json()


def detail(page: str) -> dict[str, Any]:
    data = page.partition('type="application/json">')[2].partition("</script>")[0]
    return dict(json.loads(data)["__DEFAULT_SCOPE__"]["webapp.video-detail"])


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("removed", 10204, "status_deleted"),
        ("removed_and_private", 10204, "item_privacy_authorization&status_deleted"),
        ("never_there", 10204, "item doesn't exist"),
        ("self_see", 10204, "status_self_see"),
        ("reviewing", 10204, "status_reviewing"),
        ("audit", 10204, "status_audit_not_pass"),
        ("region", 10204, "person_geo_fencing"),
        ("cross_border_ur", 10204, "cross_border_violation_ur"),
        ("cross_border", 10231, "cross_border_violation"),
        ("private_post", 10216, ""),
        ("private_account", 10222, ""),
        ("unknown_status", 100004, ""),
    ],
)
def test_a_post_that_tiktok_does_not_show_says_so_by_code_and_words(
    site: MediaSandbox, name: str, code: int, message: str
) -> None:
    with client(site) as browser:
        told = detail(browser.get(post(name).link).text)

    assert told == {"statusCode": code, "statusMsg": message}


def test_an_id_that_nobody_has_does_not_exist(site: MediaSandbox) -> None:
    with client(site) as browser:
        told = detail(browser.get("https://www.tiktok.com/@someone/video/7000000000000000000").text)

    assert told == {"statusCode": 10204, "statusMsg": "item doesn't exist"}


def test_the_time_of_a_post_is_a_number(site: MediaSandbox) -> None:
    with client(site) as browser:
        item = detail(browser.get(post("pasta").link).text)["itemInfo"]["itemStruct"]

    assert item["createTime"] == 1789410600


@pytest.mark.parametrize(("name", "kinds"), [("stretches", ["jpeg", "heic"]), ("heic_slides", ["heic", "jpeg"])])
def test_each_slide_is_offered_in_several_kinds_of_which_not_all_can_be_opened(
    site: MediaSandbox, name: str, kinds: list[str]
) -> None:
    with client(site) as browser:
        item = detail(browser.get(post(name).link).text)["itemInfo"]["itemStruct"]
        addresses = item["imagePost"]["images"][0]["imageURL"]["urlList"]
        files = {kind: browser.get(address) for kind, address in zip(kinds, addresses, strict=True)}

    assert [re.findall(r"\.(\w+)\?", address) for address in addresses] == [[kind] for kind in kinds]
    assert files["jpeg"].content.startswith(b"\xff\xd8")
    assert files["heic"].content[4:12] == b"ftypheic"


def test_the_newest_browser_target_gets_a_page_without_data_and_an_older_one_the_post(site: MediaSandbox) -> None:
    steer(site, "browsers", refused=r"Chrome/152\.")

    def page(target: Any) -> str:
        options: Any = {"proxy": site.proxy_url, "verify": str(site.ca_path), "impersonate": target}
        return str(curl.get(post("pasta").link, **options).text)

    assert "__UNIVERSAL_DATA_FOR_REHYDRATION__" not in page(NEWEST)
    assert 'id="cs"' not in page(NEWEST)
    assert detail(page(OLDER))["statusCode"] == 0
    httpx.delete(f"{site.proxy_url}/_sandbox/browsers")
    assert detail(page(NEWEST))["statusCode"] == 0


def test_a_setting_that_is_not_there_is_refused(site: MediaSandbox) -> None:
    for what in ("browsers", "throttle"):
        assert httpx.post(f"{site.proxy_url}/_sandbox/{what}", json={"colour": "red"}).status_code == 400


def ask(browser: httpx.Client, name: str) -> list[httpx.Response]:
    """The requests that yt-dlp makes for a post when it isn't logged in, without the front page."""
    found = post(name)
    assert isinstance(found, InstagramPost)
    number = str(instagram.media_number(found.code))
    site = "https://www.instagram.com"
    form = {"lsd": instagram.PAGE_TOKEN, "variables": json.dumps({"media_id": number})}
    return [
        browser.get(f"{site}/api/v1/web/get_ruling_for_content/", params={"target_id": number}),
        browser.post(f"{site}/api/graphql", data=form, headers={"X-CSRFToken": "c"}),
        browser.get(f"{site}/p/{found.code}"),
    ]


def test_a_post_that_needs_a_login_carries_a_ruling_and_others_do_not(site: MediaSandbox) -> None:
    with client(site) as browser:
        gated, shell, shown = (ask(browser, name) for name in ("instagram_login", "instagram_shell", "pancakes"))

    media = gated[1].json()["data"]["xig_polaris_media"]
    assert media["if_not_gated_logged_out"] is None
    assert media["gating_ruling"]["title"] == "Age-restricted content"
    assert "Age-restricted content" in gated[2].text
    for answered, is_shown in ((shell, False), (shown, True)):
        media = answered[1].json()["data"]["xig_polaris_media"]
        assert (media["gating_ruling"], media["if_not_gated_logged_out"] is not None) == (None, is_shown)
    assert "data-sjs" not in shell[2].text
    assert "Banana oat pancakes" in shown[2].text


def test_instagram_takes_so_many_requests_of_each_address_and_no_more(site: MediaSandbox) -> None:
    steer(site, "throttle", requests=4)
    with client(site, address="a") as first, client(site, address="b") as second:
        statuses = [answer.status_code for answer in ask(first, "pancakes") + ask(first, "pancakes")]
        others = [answer.status_code for answer in ask(second, "pancakes")]

    assert statuses == [200, 200, 200, 200, 401, 302]
    assert others == [200, 200, 200]
    assert usage(site)["addresses"] == {"a": {"taken": 4, "refused": 2}, "b": {"taken": 3, "refused": 0}}


def test_a_window_that_is_over_lets_an_address_in_again(site: MediaSandbox) -> None:
    steer(site, "throttle", requests=1, window_s=0.2)
    with client(site) as browser:
        first = ask(browser, "pancakes")[1].status_code
        time.sleep(0.25)
        again = browser.get("https://www.instagram.com/p/DOpancakes1").status_code

    assert (first, again) == (401, 200)


def test_whoever_is_logged_in_is_not_throttled(site: MediaSandbox) -> None:
    steer(site, "throttle", requests=0)
    with client(site, Cookie="sessionid=1") as browser:
        assert {answer.status_code for answer in ask(browser, "pancakes")} == {200}


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_way_to_throttle_has_its_own_answer(site: MediaSandbox, answer: str) -> None:
    steer(site, "throttle", requests=0, answer=answer)
    with client(site) as browser:
        home = browser.get("https://www.instagram.com/").text
        _, graphql, page = ask(browser, "pancakes")

    assert ("__eqmc" in home) == (answer != "no_token")
    assert "Banana oat pancakes" not in graphql.text + page.text
    status, body = graphql.status_code, graphql.text
    match answer:
        case "require_login" | "no_token":
            assert (status, graphql.json()["require_login"]) == (401, True)
            assert page.headers["location"].startswith("https://www.instagram.com/accounts/login")
        case "challenge_required":
            assert (status, graphql.json()["message"]) == (400, "challenge_required")
        case "execution_error":
            assert (status, graphql.json()["data"]) == (200, None)
            assert graphql.json()["errors"][0]["message"] == "execution error"
        case "guard_prefix":
            assert (status, body[:9]) == (200, "for (;;);")
        case "empty_shell":
            assert (status, graphql.json()["data"]["xig_polaris_media"]) == (200, None)
            assert (page.status_code, "data-sjs" in page.text) == (200, False)


def test_requests_are_counted_per_post(site: MediaSandbox) -> None:
    with client(site, **{"User-Agent": "curl/8.9"}) as browser:
        browser.get("https://www.instagram.com/")
        ask(browser, "pancakes")
        browser.get("https://www.instagram.com/share/reel/BApancake1")
        browser.get("https://vm.tiktok.com/ZMpasta01/")
        browser.get(post("pasta").link)
        browser.get("https://v16-webapp-prime.tiktokcdn.com/media/pasta.mp4", headers={"Range": "bytes=0-9"})

    assert usage(site)["posts"] == {"other": 1, "DOpancakes1": 4, "7512345678901234501": 2}
