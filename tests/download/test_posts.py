from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.download.links import parse_link
from svp_dagster.download.posts import MAX_SLIDES, Post, choose_formats, read_post
from svp_dagster.models import JsonObject, Link

TIKTOK = parse_link("https://www.tiktok.com/@_/video/7512345678901234501")
INSTAGRAM = parse_link("https://www.instagram.com/p/DOportoday1/")
ELSEWHERE = Link(url="https://www.youtube.com/watch?v=abc", platform="www.youtube.com", post_id="watch?v=abc")


def read(link: Link = TIKTOK, **info: Any) -> Post:
    return read_post({"extractor_key": "TikTok", "id": "7512345678901234501", **info}, link=link)


def fmt(name: str, width: int | None = None, height: int | None = None, **more: Any) -> JsonObject:
    size = {"width": width, "height": height}
    return {
        "format_id": name,
        "url": f"https://a.example/{name}.mp4",
        "vcodec": "h264",
        "acodec": "aac",
        **size,
        **more,
    }


def chosen(*formats: JsonObject) -> list[str]:
    return [each["format_id"] for each in choose_formats(formats, min_short_side_px=540)]


@pytest.mark.parametrize(
    ("formats", "best"),
    [
        ([fmt("s", 360, 640), fmt("m", 576, 1024), fmt("l", 1080, 1920)], "m"),
        ([fmt("portrait", 540, 960), fmt("wide", 960, 540, tbr=100)], "wide"),
        ([fmt("s", 240, 426), fmt("m", 360, 640)], "m"),
        ([fmt("unknown"), fmt("l", 1080, 1920)], "unknown"),
        ([fmt("h265", 576, 1024, vcodec="h265", tbr=1), fmt("h264", 576, 1024, tbr=9)], "h264"),
        ([fmt("h265", 576, 1024, vcodec="h265"), fmt("h264", 720, 1280)], "h265"),
        ([fmt("light", 576, 1024, tbr=300), fmt("heavy", 576, 1024, tbr=900)], "light"),
        ([fmt("watermark", 576, 1024, preference=-2), fmt("clean", 720, 1280, preference=-1)], "clean"),
        ([fmt("unplayable", 576, 1024, preference=-100), fmt("mark", 720, 1280, preference=-2)], "mark"),
        ([fmt("untested", 576, 1024, __needs_testing=True), fmt("l", 1080, 1920)], "l"),
        ([fmt("silent", 576, 1024, acodec="none"), fmt("l", 1080, 1920)], "l"),
        ([fmt("silent", 576, 1024, acodec="none")], "silent"),
        ([fmt("music", vcodec="none"), fmt("video", 576, 1024)], "video"),
        ([fmt("a", vcodec="none", abr=64), fmt("b", vcodec="none", abr=128)], "b"),
    ],
)
def test_the_cheapest_file_in_which_text_can_be_read_is_chosen(formats: list[JsonObject], best: str) -> None:
    assert chosen(*formats) == [best]


def test_picture_and_sound_are_taken_apart_where_the_site_has_them_so() -> None:
    formats = [
        fmt("small", 240, 426, acodec="none"),
        fmt("enough", 608, 1080, acodec="none"),
        fmt("quiet", vcodec="none", tbr=48),
        fmt("good", vcodec="none", tbr=128),
    ]

    assert chosen(*formats) == ["enough", "good"]


def test_of_nothing_nothing_is_chosen() -> None:
    assert chosen() == []


def test_streams_that_ffmpeg_would_fetch_itself_are_left_out() -> None:
    post = read(
        ELSEWHERE,
        formats=[
            fmt("hls", protocol="m3u8_native"),
            fmt("unnamed", url="https://a.example/list.m3u8"),
            fmt("rtmp", url="rtmp://a.example/live"),
            fmt("ftp", url="ftp://a.example/video.mp4"),
            fmt("nothing", url=None),
            fmt("file"),
        ],
    )

    assert [each["format_id"] for each in post.items[0].formats] == ["file"]


def test_the_slides_of_our_extractor_are_items_in_their_order_and_not_endless() -> None:
    post = read(slides=[["https://a/1", "https://b/1"], [], ["https://a/2"]], thumbnails=[{"url": "https://a/cover"}])

    assert [item.pictures for item in post.items] == [("https://a/1", "https://b/1"), ("https://a/2",)]
    assert post.covers == ("https://a/cover",)
    assert len(read(slides=[["https://a/1"]] * 100).items) == MAX_SLIDES


def test_a_cover_is_a_picture_of_the_post_only_where_the_post_is_a_picture() -> None:
    thumbnails = [{"url": "https://a/cover"}]

    assert read(INSTAGRAM, thumbnails=thumbnails).items[0].pictures == ("https://a/cover",)
    assert read(TIKTOK, thumbnails=thumbnails).items[0].pictures == ()


def test_the_best_picture_comes_first() -> None:
    thumbnails = [
        {"url": "https://a/small", "width": 320},
        {"url": "https://a/large", "width": 1080},
        {"url": "https://a/moving", "preference": -2, "width": 2000},
    ]

    assert read(INSTAGRAM, thumbnails=thumbnails).covers == ("https://a/large", "https://a/small", "https://a/moving")


def test_the_sound_of_a_slideshow_is_known_by_having_no_picture() -> None:
    post = read(formats=[fmt("music", vcodec="none")], slides=[["https://a/1"]])

    assert [each["format_id"] for each in post.sound] == ["music"]


def test_a_link_without_a_name_gets_the_uploader_s() -> None:
    assert (
        read(uploader="weeknight.kitchen").url == "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"
    )
    assert read(uploader="a b/../c").url == TIKTOK.url


def test_titles_that_nobody_wrote_are_dropped() -> None:
    assert read(INSTAGRAM, title="Video by cook", channel="cook").title == ""
    assert read(INSTAGRAM, title="Video by a friend", channel="cook").title == "Video by a friend"


def test_captions_are_named_in_two_letters_and_ordered_by_origin() -> None:
    vtt = {"ext": "vtt", "url": "https://a/1.vtt"}
    post = read(
        subtitles={
            "spa-ES": [vtt | {"translated": True}],
            "eng-US": [{"ext": "json", "url": "https://a/1.json"}, vtt | {"translated": False}],
            "de": [{"ext": "json", "url": "https://a/2.json"}],
        },
        automatic_captions={"fr": [vtt], "it-orig": [vtt]},
    )

    assert [(each.language, each.translated) for each in post.captions] == [
        ("en-US", False),
        ("it", False),
        ("es-ES", True),
    ]


@pytest.mark.parametrize("info", [{"is_live": True}, {"live_status": "is_live"}, {"live_status": "is_upcoming"}])
def test_a_live_stream_is_known(info: JsonObject) -> None:
    assert read(**info).is_live
    assert not read(live_status="was_live").is_live


@pytest.mark.parametrize("timestamp", [None, "yesterday", 10**30, float("nan")])
def test_a_time_that_makes_no_sense_is_no_time(timestamp: object) -> None:
    assert read(timestamp=timestamp).published_at is None


def test_a_time_is_in_utc() -> None:
    assert read(timestamp=0).published_at == datetime(1970, 1, 1, tzinfo=UTC)


@given(
    title=st.one_of(st.none(), st.integers(), st.text(max_size=500)),
    description=st.one_of(st.none(), st.lists(st.text()), st.text(max_size=50)),
    duration=st.one_of(st.none(), st.text(), st.integers(), st.floats()),
)
def test_whatever_a_page_says_is_read_into_types_that_can_be_stored(
    title: object, description: object, duration: object
) -> None:
    post = read(title=title, description=description, duration=duration)

    assert len(post.title) <= 300
    assert isinstance(post.description, str)
    assert post.duration_s is None or post.duration_s > 0
