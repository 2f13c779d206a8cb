"""What comes of a post."""

from pathlib import Path

import pytest

from sandbox.faults import Fault
from sandbox.media import files
from sandbox.media.posts import PUBLISHED, post
from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code
from svp_dagster.media.kinds import picture_suffix
from tests.download.downloads import link, refusal

pytest_plugins = ("tests.media_site",)


@pytest.fixture
def downloader(site: MediaSandbox) -> YtDlpDownloader:
    return YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)


def test_a_tiktok_video_comes_with_captions_cover_and_what_is_written_beside_it(
    downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    shares: list[float] = []

    video = downloader.fetch(link("pasta"), folder=tmp_path, progress=shares.append)

    assert video.media_key == "tiktok:7512345678901234501"
    assert video.url == "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"
    assert video.uploader == "weeknight.kitchen"
    assert video.caption == post("pasta").description
    assert video.published_at == PUBLISHED
    assert video.duration_s == 26.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cover.jpg", "media.mp4"]
    assert video.video_path == tmp_path / "media.mp4"
    assert video.video_path.stat().st_size == len(files.read("pasta.mp4"))
    assert video.cover_path == tmp_path / "cover.jpg"
    assert video.audio_path is None
    assert video.slides == ()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_captions_in_the_language_of_the_video_come_before_translated_ones(
    downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    video = downloader.fetch(link("pasta"), folder=tmp_path)

    assert [(track.language, track.translated) for track in video.captions] == [("en-US", False), ("es-ES", True)]
    assert video.captions[0].segments[1].text == "Boil the spaghetti in salted water for nine minutes."


def test_an_instagram_reel_has_no_title_but_its_own_words(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    video = downloader.fetch(link("pancakes"), folder=tmp_path)

    assert video.media_key == "instagram:DOpancakes1"
    assert video.title == ""
    assert video.caption.startswith("Banana oat pancakes 🥞")
    assert video.uploader == "Slow Sunday"
    assert video.video_path is not None
    assert video.captions == ()


def test_words_in_japanese_come_through(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    assert "星ラーメン" in downloader.fetch(link("ramen"), folder=tmp_path).caption


def test_the_smallest_file_that_is_large_enough_is_taken(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    downloader.fetch(link("pasta"), folder=tmp_path / "usual")
    small = YtDlpDownloader(proxy=site.proxy_url, min_short_side_px=300)
    small.fetch(link("pasta"), folder=tmp_path / "small")

    names = [url.rpartition("/")[2].partition("?")[0] for url in site.requests if "pasta" in url and ".mp4" in url]
    assert names == ["pasta.mp4", "pasta_small.mp4"]


def test_a_photo_post_is_slides_and_their_music(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    video = downloader.fetch(link("stretches"), folder=tmp_path)

    assert [path.name for path in video.slides] == ["slide_01.jpg", "slide_02.jpg", "slide_03.jpg"]
    assert all(picture_suffix(path.read_bytes()) == ".jpg" for path in video.slides)
    assert video.audio_path == tmp_path / "media.m4a"
    assert video.video_path is None
    assert video.url.endswith("/@desk.physio/photo/7512345678901234504")


def test_each_slide_is_the_first_address_of_a_kind_that_can_be_opened(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    video = downloader.fetch(link("heic_slides"), folder=tmp_path)

    assert [path.name for path in video.slides] == ["slide_01.jpg", "slide_02.jpg", "slide_03.jpg"]
    assert all(picture_suffix(path.read_bytes()) == ".jpg" for path in video.slides)


def test_a_slide_whose_only_readable_address_fails_now_is_not_left_out(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    site.faults.add(Fault(path=r"stretch_2\.jpeg$", status=503, times=None))

    assert refusal(downloader, link("heic_slides"), tmp_path).code is Code.SITE_UNREACHABLE


def test_a_single_photo_is_one_slide(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    video = downloader.fetch(link("books"), folder=tmp_path)

    assert [path.name for path in video.slides] == ["slide_01.jpg"]
    assert video.audio_path is None
    assert video.caption.startswith("My reading list")


@pytest.mark.parametrize(
    ("name", "slides"),
    [
        ("porto_day", ["slide_01.jpg", "slide_02.mp4", "slide_03.jpg"]),
        ("two_clips", ["slide_01.mp4", "slide_02.mp4"]),
    ],
)
def test_a_carousel_is_its_pictures_and_clips_in_order(
    downloader: YtDlpDownloader, tmp_path: Path, name: str, slides: list[str]
) -> None:
    shares: list[float] = []

    video = downloader.fetch(link(name), folder=tmp_path, progress=shares.append)

    assert [path.name for path in video.slides] == slides
    assert (video.audio_path, video.video_path) == (None, None)
    assert shares == [pytest.approx(number / len(slides)) for number in range(1, len(slides) + 1)]


def test_a_carousel_that_is_too_long_in_all_is_refused_before_it_is_fetched(site: MediaSandbox, tmp_path: Path) -> None:
    impatient = YtDlpDownloader(proxy=site.proxy_url, max_duration_s=30)

    refused = refusal(impatient, link("two_clips"), tmp_path)

    assert refused.code is Code.TOO_LONG
    assert not [url for url in site.requests if ".mp4" in url]


def test_a_post_that_only_sounds_has_no_pictures(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    video = downloader.fetch(link("sound_only"), folder=tmp_path)

    assert (video.video_path, video.slides, video.audio_path) == (None, (), tmp_path / "media.m4a")


def test_the_javascript_challenge_is_solved(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    assert downloader.fetch(link("challenge"), folder=tmp_path).video_path is not None


@pytest.mark.parametrize(
    ("short", "media_key"),
    [
        ("https://vm.tiktok.com/ZMpasta01/", "tiktok:7512345678901234501"),
        ("https://vt.tiktok.com/ZSpasta02/", "tiktok:7512345678901234501"),
        ("https://www.tiktok.com/t/ZTpasta03/", "tiktok:7512345678901234501"),
        ("https://vm.tiktok.com/ZMtwohops/", "tiktok:7512345678901234501"),
        ("https://vm.tiktok.com/ZMphotos1/", "tiktok:7512345678901234504"),
        ("https://vt.tiktok.com/ZS98QYgBSwy4P-MVZ1G/", "tiktok:7512345678901234501"),
        ("https://lite.tiktok.com/t/ZSlite001/", "tiktok:7512345678901234501"),
        ("https://www.tiktokv.com/share/video/7512345678901234501/", "tiktok:7512345678901234501"),
        ("https://www.instagram.com/share/reel/BApancake1", "instagram:DOpancakes1"),
        ("https://www.instagram.com/share/p/BAbooks001", "instagram:DObooklist1"),
    ],
)
def test_a_short_link_leads_to_the_same_video_as_the_long_one(
    downloader: YtDlpDownloader, tmp_path: Path, short: str, media_key: str
) -> None:
    assert downloader.fetch(parse_link(short), folder=tmp_path).media_key == media_key


@pytest.mark.parametrize(
    ("short", "code", "words"),
    [
        ("https://vm.tiktok.com/ZMexpired/", Code.GONE, "no longer exists"),
        ("https://vm.tiktok.com/ZMunknown/", Code.GONE, "no longer exists"),
        ("https://www.instagram.com/share/BAlogin001", Code.RATE_LIMITED, "slow down"),
        ("https://vm.tiktok.com/ZMprofile/", Code.UNSUPPORTED_LINK, "doesn't lead to a post: it is a profile"),
        ("https://vm.tiktok.com/ZMlive001/", Code.UNSUPPORTED_LINK, "doesn't lead to a post: it is a live stream"),
        ("https://vm.tiktok.com/ZMelse001/", Code.UNSUPPORTED_LINK, "doesn't lead to a post: it leads to www.example"),
        ("https://vm.tiktok.com/ZMround01/", Code.UNSUPPORTED_LINK, "in circles"),
    ],
)
def test_a_short_link_that_leads_to_no_post_says_so(
    downloader: YtDlpDownloader, tmp_path: Path, short: str, code: Code, words: str
) -> None:
    failed = refusal(downloader, parse_link(short), tmp_path)

    assert failed.code is code
    assert words in failed.sentence
