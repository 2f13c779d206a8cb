"""From an url or a file to a video that can be heard and read: the stage with the real downloader and real ffmpeg."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.media import files
from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.stage import download, open_file, open_upload
from svp_dagster.errors import Code, SvpError
from svp_dagster.media.probe import probe
from svp_dagster.models import Link, Video
from svp_dagster.ports import BrowserMemory, Pace
from tests.download.downloads import link
from tests.media.hostile import claims_to_be_short
from tests.media.making import plain_video

pytest_plugins = ("tests.media_site",)


class DeliveringDownloader:
    """Fulfils `Downloader` with a file at hand."""

    def __init__(self, *, max_duration_s: float = 1800, **fields: object) -> None:
        self.max_duration_s = max_duration_s
        self._fields = fields

    def resolve(self, link: Link, *, pace: Pace | None = None) -> Link:
        return link

    def fetch(
        self,
        link: Link,
        *,
        folder: Path,
        progress: Callable[[float], None] | None = None,
        browsers: BrowserMemory | None = None,
        pace: Pace | None = None,
    ) -> Video:
        return Video.model_validate({"media_key": "tiktok:1", "url": link.url} | self._fields)


@pytest.fixture
def downloader(site: MediaSandbox) -> YtDlpDownloader:
    return YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)


def made(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(files.read(name))
    return path


def test_a_link_becomes_a_video_with_the_facts_of_its_file(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    shares: list[float] = []

    video = download(link("pasta"), downloader=downloader, folder=tmp_path, progress=shares.append)

    (file,) = video.files
    assert (file.path, file.width_px, file.height_px, file.codec) == (video.video_path, 576, 1024, "h264")
    assert (file.has_video, file.has_audio) == (True, True)
    assert video.duration_s == pytest.approx(26, abs=0.1)
    assert video.video_path == tmp_path / "media.mp4"
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("empty_file", Code.MEDIA_EMPTY, "is empty"),
        ("truncated_file", Code.MEDIA_TRUNCATED, "breaks off: 9 of 26 seconds"),
        ("html_file", Code.MEDIA_WRONG_KIND, "a text instead of a video"),
        ("playlist_file", Code.MEDIA_WRONG_KIND, "a text instead of a video"),
        ("audio_in_mp4", Code.SOUND_ONLY, "sound alone"),
        ("three_hours", Code.TOO_LONG, "3.0 hours long"),
        ("private_post", Code.PRIVATE, "is private"),
    ],
)
def test_every_bad_file_fails_with_its_own_sentence(
    downloader: YtDlpDownloader, tmp_path: Path, name: str, code: Code, words: str
) -> None:
    with pytest.raises(SvpError) as caught:
        download(link(name), downloader=downloader, folder=tmp_path)

    assert caught.value.code is code
    assert words in caught.value.sentence


def test_a_photo_post_keeps_its_slides_and_its_sound(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    video = download(link("stretches"), downloader=downloader, folder=tmp_path)

    assert len(video.slides) == 3
    assert video.audio_path is not None
    assert video.duration_s == pytest.approx(10, abs=0.1)


def test_a_carousel_is_as_long_as_its_clips(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    video = download(link("two_clips"), downloader=downloader, folder=tmp_path)

    assert [file.path for file in video.files] == list(video.slides)
    assert video.duration_s == pytest.approx(probe(video.slides[0]).duration_s + probe(video.slides[1]).duration_s)


def test_a_broken_clip_of_a_carousel_fails_like_a_broken_video(tmp_path: Path) -> None:
    page = tmp_path / "slide_02.mp4"
    page.write_text("<!doctype html><p>Not found")
    broken = DeliveringDownloader(slides=(made(tmp_path, "reading_list.jpg"), page))

    with pytest.raises(SvpError) as caught:
        download(link("porto_day"), downloader=broken, folder=tmp_path)

    assert caught.value.code is Code.MEDIA_WRONG_KIND


def test_a_file_that_is_longer_than_the_site_said_is_refused_after_all(tmp_path: Path) -> None:
    lying = DeliveringDownloader(video_path=made(tmp_path, "cafe.mp4"), duration_s=3.0, max_duration_s=10)

    with pytest.raises(SvpError) as caught:
        download(link("cafe"), downloader=lying, folder=tmp_path)

    assert caught.value.code is Code.TOO_LONG
    assert "16 seconds long; at most 10 seconds" in caught.value.sentence


def test_a_file_whose_header_claims_less_than_can_be_read_is_as_long_as_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "cafe.mkv"
    claims_to_be_short(plain_video(path, duration_s=20), claimed_s=2)

    with pytest.raises(SvpError) as caught:
        open_file(path, max_duration_s=10)

    assert caught.value.code is Code.TOO_LONG
    assert "20 seconds long; at most 10 seconds" in caught.value.sentence
    assert open_file(path, max_duration_s=30).duration_s == pytest.approx(20, abs=0.2)


def test_a_single_photo_needs_no_probing(tmp_path: Path) -> None:
    photo = DeliveringDownloader(slides=(made(tmp_path, "reading_list.jpg"),))

    assert download(link("books"), downloader=photo, folder=tmp_path).duration_s is None


def test_the_cover_of_a_post_is_made_once(tmp_path: Path) -> None:
    thumbnail, slide = made(tmp_path, "cafe.jpg"), made(tmp_path, "reading_list.jpg")
    clip = made(tmp_path, "cafe.mp4")

    def cover(**fields: Any) -> Path | None:
        return download(link("cafe"), downloader=DeliveringDownloader(**fields), folder=tmp_path).cover_path

    assert cover(video_path=clip, cover_path=thumbnail) == thumbnail
    assert cover(slides=(slide, clip)) == slide
    assert cover(slides=(clip, slide)) == cover(video_path=clip) == tmp_path / "cover.jpg"
    assert cover(audio_path=made(tmp_path, "music.m4a")) is None


def test_a_local_video_is_known_by_its_content_and_stays_where_it_is(tmp_path: Path) -> None:
    path = made(tmp_path, "cafe.mp4")
    copy = shutil.copy(path, tmp_path / "another name.mp4")

    video = open_file(path, max_duration_s=1800)

    assert video.media_key == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert open_file(Path(copy), max_duration_s=1800).media_key == video.media_key
    assert (video.title, video.video_path) == ("cafe", path)
    assert [(file.path, file.width_px, file.height_px) for file in video.files] == [(path, 576, 1024)]


def test_a_local_picture_is_a_slide_and_a_local_sound_is_refused(tmp_path: Path) -> None:
    picture, sound = made(tmp_path, "stretch_1.jpg"), made(tmp_path, "music.m4a")

    assert open_file(picture, max_duration_s=1800).slides == (picture,)
    with pytest.raises(SvpError) as caught:
        open_file(sound, max_duration_s=1800)
    assert caught.value.code is Code.SOUND_ONLY


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("empty.mp4", Code.MEDIA_EMPTY),
        ("cut.mp4", Code.MEDIA_TRUNCATED),
        ("page.mp4", Code.MEDIA_WRONG_KIND),
        ("playlist.mp4", Code.MEDIA_WRONG_KIND),
    ],
)
def test_a_local_file_that_is_no_video_is_refused_like_a_downloaded_one(tmp_path: Path, name: str, code: Code) -> None:
    with pytest.raises(SvpError) as caught:
        open_file(made(tmp_path, name), max_duration_s=1800)

    assert caught.value.code is code


def test_a_local_file_of_random_bytes_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "junk.mp4"
    path.write_bytes(bytes(range(256)) * 40)

    with pytest.raises(SvpError) as caught:
        open_file(path, max_duration_s=1800)

    assert caught.value.code is Code.MEDIA_UNREADABLE


def test_a_local_file_that_is_not_there_is_the_caller_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "nothing.mp4", max_duration_s=1800)


def test_an_uploaded_video_has_no_address_and_a_cover_of_its_own(tmp_path: Path) -> None:
    path = made(tmp_path, "cafe.mp4")

    video = open_upload(path, title="Café in Porto", folder=tmp_path, max_duration_s=1800)

    assert (video.url, video.title, video.video_path) == ("", "Café in Porto", path)
    assert video.media_key == open_file(path, max_duration_s=1800).media_key
    assert video.cover_path == tmp_path / "cover.jpg"


def test_uploaded_sound_is_taken_without_a_picture(tmp_path: Path) -> None:
    sound = made(tmp_path, "music.m4a")

    video = open_upload(sound, title="Music", folder=tmp_path, max_duration_s=1800)

    assert (video.video_path, video.audio_path, video.cover_path) == (None, sound, None)
    assert [file.has_audio for file in video.files] == [True]


def test_an_uploaded_picture_is_its_own_cover(tmp_path: Path) -> None:
    picture = made(tmp_path, "stretch_1.jpg")

    video = open_upload(picture, title="Stretch", folder=tmp_path, max_duration_s=1800)

    assert (video.slides, video.cover_path, video.audio_path) == ((picture,), picture, None)


def test_an_upload_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SvpError) as caught:
        open_upload(made(tmp_path, "cafe.mp4"), title="", folder=tmp_path, max_duration_s=10)

    assert caught.value.code is Code.TOO_LONG
