"""Posts whose page says far too much, or nests it far too deeply."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.media import instagram
from sandbox.media.posts import InstagramPost, post
from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.links import parse_link
from svp_dagster.download.posts import (
    MAX_CAPTION_TRACKS,
    MAX_DESCRIPTION_CHARACTERS,
    MAX_PICTURE_ADDRESSES,
    MAX_SLIDES,
    MAX_TITLE_CHARACTERS,
    SLIDES,
    Post,
    read_post,
)
from svp_dagster.errors import Code, SvpError
from tests.download.downloads import link, refusal

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

TIKTOK = parse_link("https://www.tiktok.com/@_/video/7512345678901234501")
MANY = 100_000
LONG = "#pasta " * 1_500_000
PICTURE = "https://p16-sign.tiktokcdn-us.com/media/pasta.jpg"
DEEP = '{"a":' * 50_000 + "1" + "}" * 50_000
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
XML_BOMB = f'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY l0 "lol">{LAUGHS}]><MPD>&l11;</MPD>'


@contextmanager
def little_time(seconds: float = 5.0) -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def read(**info: Any) -> Post:
    with little_time():
        return read_post({"extractor_key": "TikTok", "id": "7512345678901234501", **info}, link=TIKTOK)


def fetch(site: MediaSandbox, folder: Path, name: str) -> SvpError:
    with little_time(20.0):
        return refusal(YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5), link(name), folder)


def test_texts_of_ten_megabytes_are_cut() -> None:
    found = read(title=LONG, description=LONG, uploader=LONG)

    assert len(found.description) <= MAX_DESCRIPTION_CHARACTERS
    assert len(found.title) <= MAX_TITLE_CHARACTERS
    assert len(found.uploader) <= MAX_TITLE_CHARACTERS


def test_an_id_of_ten_megabytes_still_names_one_post_alone() -> None:
    one, other = read(id=LONG), read(id=LONG + "2")

    assert len(one.media_key) < 300
    assert one.media_key != other.media_key


def test_a_hundred_thousand_formats_are_read() -> None:
    formats = [{"format_id": str(number), "url": PICTURE, "width": 576, "height": 1024} for number in range(MANY)]

    assert len(read(formats=formats).items[0].formats) == MANY


def test_a_playlist_without_end_is_cut() -> None:
    entries = ({"id": str(number), "formats": []} for number in itertools.count())

    assert len(read(entries=entries).items) == MAX_SLIDES


def test_a_carousel_of_a_thousand_slides_is_cut() -> None:
    assert len(read(**{SLIDES: [[PICTURE]] * 1_000}).items) == MAX_SLIDES


def test_few_of_a_hundred_thousand_addresses_of_a_picture_are_tried() -> None:
    addresses = [f"{PICTURE}?{number}" for number in range(MANY)]

    found = read(**{SLIDES: [addresses]}, thumbnails=[{"url": address} for address in addresses])

    assert len(found.covers) == MAX_PICTURE_ADDRESSES
    assert len(found.items[0].pictures) == MAX_PICTURE_ADDRESSES


def test_few_of_a_hundred_thousand_caption_tracks_are_taken() -> None:
    tracks = {f"x{number}": [{"ext": "vtt", "data": "WEBVTT"}] for number in range(MANY)}

    assert len(read(subtitles=tracks).captions) == MAX_CAPTION_TRACKS


@pytest.mark.parametrize("heavy", ["thumbnails", "tags", "chapters", "comments"])
def test_a_video_is_downloaded_without_what_else_its_page_lists(
    site: MediaSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heavy: str
) -> None:
    from svp_dagster.download.yt_dlp_session import TikTokIE

    parse = TikTokIE._parse_aweme_video_web

    def with_more(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return parse(*args, **kwargs) | {heavy: [{"url": PICTURE, "start_time": 0}] * MANY, "title": LONG}

    monkeypatch.setattr(TikTokIE, "_parse_aweme_video_web", with_more)
    with little_time():
        video = YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5).fetch(link("pasta"), folder=tmp_path)

    assert video.video_path == tmp_path / "media.mp4"


@pytest.mark.parametrize("extension", ["exe", "sh", "../../cron.d/x", "mp4/../../../x", "x" * 5_000, "\0", "desktop"])
def test_a_file_never_gets_a_name_that_the_site_made_up(
    site: MediaSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extension: str
) -> None:
    from svp_dagster.download.yt_dlp_session import TikTokIE

    parse = TikTokIE._parse_aweme_video_web

    def with_extension(*args: Any, **kwargs: Any) -> dict[str, Any]:
        info: dict[str, Any] = parse(*args, **kwargs)
        return info | {"formats": [each | {"ext": extension} for each in info["formats"]]}

    monkeypatch.setattr(TikTokIE, "_parse_aweme_video_web", with_extension)
    folder = tmp_path / "a" / "b" / "c"

    assert refusal(YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5), link("pasta"), folder).sentence
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_page_of_json_that_is_nested_too_deeply(site: MediaSandbox, tmp_path: Path) -> None:
    script = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{DEEP}</script>'
    site.faults.add(Fault(path="/www.tiktok.com/", status=200, body=f"<html>{script}</html>", times=None))

    assert fetch(site, tmp_path, "pasta").code in (Code.SITE_CHANGED, Code.ROBOT_SUSPECTED)


def test_an_answer_of_json_that_is_nested_too_deeply(site: MediaSandbox, tmp_path: Path) -> None:
    site.faults.add(Fault(path="api/graphql", status=200, body=DEEP, times=None))

    assert fetch(site, tmp_path, "pancakes").code is Code.SITE_CHANGED


@pytest.mark.parametrize("manifest", [XML_BOMB, "<MPD" + " a='1'" * MANY + "/>", "<MPD>" * MANY])
def test_a_manifest_of_xml_that_grows(site: MediaSandbox, tmp_path: Path, manifest: str) -> None:
    shown = post("pancakes")
    assert isinstance(shown, InstagramPost)
    answer = instagram.graphql(shown)
    product = answer["data"]["xig_polaris_media"]["if_not_gated_logged_out"]
    product |= {"video_dash_manifest": manifest, "video_versions": []}
    site.faults.add(Fault(path="api/graphql", status=200, body=json.dumps(answer), times=None))

    assert fetch(site, tmp_path, "pancakes").sentence
