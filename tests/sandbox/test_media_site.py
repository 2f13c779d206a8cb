import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.media import files, instagram
from sandbox.media.posts import ODD, POSTS, SAMPLES, SHORT_LINKS, TIKTOK_CDN, InstagramPost, TikTokPost, post
from sandbox.media.server import MediaSandbox, serve_media

PASTA = post("pasta").link
AS_CURL = {"User-Agent": "curl/8.9"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[MediaSandbox]:
    with serve_media(tmp_path) as running:
        yield running


def client(site: MediaSandbox) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(site.ca_path))
    return httpx.Client(proxy=site.proxy_url, verify=trust, timeout=5)


def test_a_client_that_trusts_the_authority_gets_pages_of_the_real_hosts(site: MediaSandbox) -> None:
    with client(site) as browser:
        page = browser.get(PASTA)

    data = page.text.partition('type="application/json">')[2].partition("</script>")[0]
    detail = json.loads(data)["__DEFAULT_SCOPE__"]["webapp.video-detail"]
    assert detail["itemInfo"]["itemStruct"]["author"]["uniqueId"] == "weeknight.kitchen"
    assert site.requests == [PASTA]


def test_a_client_that_does_not_trust_it_gets_nothing(site: MediaSandbox) -> None:
    with httpx.Client(proxy=site.proxy_url) as browser, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY"):
        browser.get(PASTA)

    assert site.requests == []


def test_a_second_start_in_the_same_folder_keeps_the_authority(tmp_path: Path) -> None:
    with serve_media(tmp_path) as first:
        authority = first.ca_path.read_bytes()
    with serve_media(tmp_path) as second, client(second) as browser:
        assert second.ca_path.read_bytes() == authority
        assert browser.get(PASTA).status_code == 200

    assert (tmp_path / "ca-key.pem").stat().st_mode & 0o077 == 0


def test_a_host_that_is_not_played_is_recorded_and_never_reached(site: MediaSandbox) -> None:
    with client(site) as browser:
        answer = browser.get("https://www.example.com/secret?a=1")

    assert answer.status_code == 502
    assert site.requests == ["https://www.example.com/secret?a=1"]
    assert site.unknown_hosts == ["www.example.com"]
    (line,) = (site.ca_path.parent / "media-requests.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == "/www.example.com/secret"


def test_faults_are_steered_over_plain_http_and_hit_the_host_and_path_that_they_name(site: MediaSandbox) -> None:
    slow_down = {"path": "/www.tiktok.com/@", "status": 429, "headers": {"Retry-After": "7"}, "times": 1}
    assert httpx.post(f"{site.proxy_url}/_sandbox/faults", json=slow_down).status_code == 201

    with client(site) as browser:
        answers = [browser.get(PASTA), browser.get(PASTA)]

    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_a_file_can_be_cut_in_the_middle(site: MediaSandbox) -> None:
    httpx.post(f"{site.proxy_url}/_sandbox/faults", json={"path": "pasta", "cut": "mid_answer", "when": "after"})

    with client(site) as browser, pytest.raises(httpx.RemoteProtocolError, match=r"received \d{6} bytes"):
        browser.get(f"https://{TIKTOK_CDN}/media/pasta.mp4")


def test_media_can_be_asked_for_in_part_and_comes_in_chunks_where_its_post_says_so(site: MediaSandbox) -> None:
    whole = files.read("pasta.mp4")
    with client(site) as browser:
        part = browser.get(f"https://{TIKTOK_CDN}/media/pasta.mp4", headers={"Range": "bytes=100-199"})
        chunked = browser.get(f"https://{TIKTOK_CDN}/media/chunked-pasta.mp4")

    assert (part.status_code, part.content) == (206, whole[100:200])
    assert "content-length" not in chunked.headers
    assert chunked.content == whole


def test_an_endless_file_goes_on_until_the_client_leaves(site: MediaSandbox) -> None:
    with client(site) as browser, browser.stream("GET", f"https://{TIKTOK_CDN}/media/endless.mp4") as answer:
        read = 0
        for block in answer.iter_raw():
            read += len(block)
            if read > 5_000_000:
                break

    assert read > 5_000_000


def test_a_login_opens_what_is_closed_to_others(site: MediaSandbox) -> None:
    with client(site) as browser:
        closed = browser.get(post("login").link)
        opened = browser.get(post("login").link, headers={"Cookie": "sessionid=1"})

    assert closed.headers["location"].startswith("https://www.tiktok.com/login")
    assert opened.status_code == 200


def test_short_links_redirect_without_being_followed(site: MediaSandbox) -> None:
    with client(site) as browser:
        targets = {url: browser.get(url, headers=AS_CURL).headers["location"] for url in SHORT_LINKS}

    assert targets == SHORT_LINKS


@pytest.mark.parametrize(
    ("link", "headers", "is_redirected"),
    [
        ("https://vm.tiktok.com/ZMpasta01/", {"User-Agent": "facebookexternalhit/1.1"}, True),
        ("https://vm.tiktok.com/ZMpasta01/", {"User-Agent": "Mozilla/5.0 (compatible; Discordbot/2.0)"}, False),
        ("https://www.instagram.com/share/reel/BApancake1", {"User-Agent": "facebookexternalhit/1.1"}, False),
        ("https://www.instagram.com/share/reel/BApancake1", {"User-Agent": "curl/8.9"}, True),
        ("https://www.instagram.com/share/reel/BApancake1", {"Sec-Fetch-Mode": "navigate"}, True),
    ],
)
def test_whether_a_short_link_redirects_depends_on_who_asks(
    site: MediaSandbox, link: str, headers: dict[str, str], *, is_redirected: bool
) -> None:
    with client(site) as browser:
        answer = browser.get(link, headers=headers)

    post_address = SHORT_LINKS[link].partition("?")[0]
    if is_redirected:
        assert answer.headers["location"] == SHORT_LINKS[link]
    else:
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert f'<link rel="canonical" href="{post_address}"/>' in answer.text


def test_a_page_in_the_place_of_a_redirect_can_be_without_a_canonical_link(site: MediaSandbox) -> None:
    httpx.post(f"{site.proxy_url}/_sandbox/browsers", json={"not_redirected": ".", "has_canonical": False})
    with client(site) as browser:
        answer = browser.get("https://vm.tiktok.com/ZMpasta01/")

    assert (answer.status_code, "canonical" in answer.text) == (200, False)


def test_an_unknown_short_link_is_not_found(site: MediaSandbox) -> None:
    with client(site) as browser:
        for link in ("https://vm.tiktok.com/ZMnone/", "https://www.instagram.com/share/none"):
            assert browser.get(link).status_code == 404


def test_instagram_gives_a_post_only_to_who_brings_both_tokens(site: MediaSandbox) -> None:
    number = str(instagram.media_number("DOpancakes1"))
    form = {"lsd": instagram.PAGE_TOKEN, "variables": json.dumps({"media_id": number})}
    url = "https://www.instagram.com/api/graphql"

    with client(site) as browser:
        without = browser.post(url, data=form)
        answer = browser.post(url, data=form, headers={"X-CSRFToken": "sandboxcsrf"})

    assert without.status_code == 403
    media = answer.json()["data"]["xig_polaris_media"]["if_not_gated_logged_out"]
    assert media["code"] == "DOpancakes1"


def test_names_and_numbers_of_posts_are_unique() -> None:
    names = [each.name for each in POSTS]
    numbers = [each.id if isinstance(each, TikTokPost) else each.code for each in POSTS]

    assert len(set(names)) == len(names)
    assert len(set(numbers)) == len(numbers)


def test_every_file_that_a_post_names_is_there() -> None:
    for each in (*SAMPLES, *ODD):
        for name in _files_of(each):
            if name != "endless.mp4":
                files.read(name)


def test_a_file_name_leads_to_nothing_outside_the_clips() -> None:
    for name in ("../posts.py", "/etc/passwd", ".hidden"):
        with pytest.raises(FileNotFoundError):
            files.read(name)


def test_all_clips_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in files.CLIPS.iterdir()) < 3_000_000


def test_as_a_process_it_keeps_its_authority_before_it_answers_and_stops_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "media", "--data", str(tmp_path), "--with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with httpx.Client(proxy=url, verify=trust) as browser:
            assert browser.get(PASTA).status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0


def _files_of(each: TikTokPost | InstagramPost) -> list[str]:
    if isinstance(each, InstagramPost):
        return [name for item in each.items for name in (item.image, item.video) if name]
    captions = [file for file, _ in each.captions.values()]
    renditions = [rendition.file for rendition in each.renditions]
    return [name for name in (each.video, each.cover, each.music, *each.slides, *captions, *renditions) if name]


@pytest.mark.parametrize("name", ["pasta", "pancakes"])
def test_copies_of_a_post_are_posts_of_their_own_that_say_their_number(site: MediaSandbox, name: str) -> None:
    made = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": name, "count": 2}).json()["links"]
    more = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": name, "count": 1}).json()["links"]

    assert len({post(name).link, *made, *more}) == 4


def test_a_copy_shows_what_its_original_shows(site: MediaSandbox) -> None:
    (link,) = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": "pasta", "count": 1}).json()["links"]

    with client(site) as browser:
        copy, original = browser.get(link).text, browser.get(PASTA).text

    assert "serves 2. #pasta #recipe #easydinner No. 1" in copy
    assert files_named_in(copy) == files_named_in(original)


def files_named_in(page: str) -> list[str]:
    return re.findall(r"/media/([\w.]+)", page)
