"""What a post names must not lead into this machine's own network, and what was downloaded must open nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from yt_dlp.extractor.common import InfoExtractor

from sandbox.faults import Fault
from sandbox.media.posts import TIKTOK_CDN
from sandbox.media.server import MediaSandbox
from svp_dagster.download import yt_dlp_session
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.links import parse_link
from svp_dagster.download.stage import download
from svp_dagster.errors import Code, SvpError
from svp_dagster.media.cover import cover
from svp_dagster.media.probe import probe
from svp_dagster.models import JsonObject, Link, MediaFile, Video
from svp_dagster.screen.frames import Frame, sample
from svp_dagster.speech import audio
from tests.download.downloads import A_SHORT_LINK, link
from tests.media.making import plain_video
from tests.security.listener import Listener, listening

pytest_plugins = ("tests.media_site",)

LINK = parse_link("https://videos.example/watch/1", extra_hosts=("videos.example",))
CDN = "https://cdn.videos.example"
CLIP = {"format_id": "clip", "url": f"https://{TIKTOK_CDN}/media/pasta.mp4", "ext": "mp4"}
PLAYLIST = f"{CDN}/list.m3u8"


class VideosIE(InfoExtractor):  # type: ignore[misc]  # yt-dlp has no types
    """The extractor of a site that an operator allowed: it hands on what the site says."""

    IE_NAME = "videos"
    _VALID_URL = r"https://videos\.example/watch/(?P<id>\d+)"
    said: ClassVar[JsonObject] = {}

    def _real_extract(self, url: str) -> JsonObject:
        return {"id": self._match_id(url), "title": "A video", **self.said}


def one_format(**fields: Any) -> JsonObject:
    return {"formats": [{"format_id": "a", "ext": "mp4", **fields}]}


def two_parts(picture: JsonObject, sound: JsonObject) -> JsonObject:
    return {
        "formats": [
            {"format_id": "picture", "ext": "mp4", "vcodec": "h264", "acodec": "none", **picture},
            {"format_id": "sound", "ext": "m4a", "vcodec": "none", "acodec": "aac", **sound},
        ]
    }


ATTACKS: dict[str, Callable[[Listener], JsonObject]] = {
    "a playlist": lambda _: one_format(url=PLAYLIST),
    "a playlist that ffmpeg would fetch": lambda _: one_format(url=PLAYLIST, protocol="m3u8"),
    "a playlist that is called a file": lambda _: one_format(url=PLAYLIST, protocol="https"),
    "a section of a playlist": lambda _: {**one_format(url=PLAYLIST, protocol="https"), "section_start": 1},
    "a live playlist of segments": lambda _: one_format(url=PLAYLIST, protocol="http_dash_segments", is_live=True),
    "a file by FTP": lambda inside: one_format(url=f"ftp://127.0.0.1:{inside.port}/video.mp4"),
    "a file by HTTP": lambda inside: one_format(url=f"{inside.url}/video.mp4"),
    "a stream by RTMP": lambda inside: one_format(url=f"rtmp://127.0.0.1:{inside.port}/live"),
    "a stream by RTSP": lambda inside: one_format(url=f"rtsp://127.0.0.1:{inside.port}/live"),
    "a WebSocket": lambda inside: one_format(url=f"ws://127.0.0.1:{inside.port}/live", protocol="websocket_frag"),
    "another proxy": lambda inside: one_format(url=CLIP["url"], http_headers={"Ytdl-Request-Proxy": inside.url}),
    "a cover by FTP": lambda inside: {"formats": [CLIP], "thumbnail": f"ftp://127.0.0.1:{inside.port}/cover.jpg"},
    "a cover by HTTP": lambda inside: {"formats": [CLIP], "thumbnail": f"{inside.url}/cover.jpg"},
    "captions by FTP": lambda inside: {
        "formats": [CLIP],
        "subtitles": {"en": [{"ext": "vtt", "url": f"ftp://127.0.0.1:{inside.port}/en.vtt"}]},
    },
    "a sound that is a playlist": lambda _: two_parts(CLIP, {"url": PLAYLIST, "protocol": "https"}),
}
"""What the site says, by what is wrong with it."""


@pytest.fixture
def inside() -> Iterator[Listener]:
    """A service of this machine that no post may reach."""
    with listening() as listener:
        yield listener


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> JsonObject:
    """What the site says about its post: to be filled in by the test."""
    monkeypatch.setattr(yt_dlp_session, "gen_extractor_classes", lambda: [VideosIE])
    monkeypatch.setattr(VideosIE, "said", {})
    return VideosIE.said


@pytest.fixture
def bypassed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which programs that read it use no proxy for this machine."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "localhost,127.0.0.1")


def serve_playlist(site: MediaSandbox, inside: Listener) -> None:
    """Let the site answer with a playlist whose key and whose segments are inside."""
    segments = f"#EXTINF:4,\n{inside.url}/1.ts\n#EXTINF:4,\n{inside.url}/2.ts\n#EXT-X-ENDLIST\n"
    key = f'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{inside.url}/key"\n'
    text = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n{key}{segments}"
    site.faults.add(Fault(path=r"cdn\.videos\.example/list", status=200, body=text, times=None))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.usefixtures("bypassed")
def test_nothing_that_a_post_names_leads_inside(
    site: MediaSandbox, inside: Listener, said: JsonObject, tmp_path: Path, attack: str
) -> None:
    serve_playlist(site, inside)
    said.update(ATTACKS[attack](inside))
    downloader = YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5, time_limit_s=20)
    with suppress(SvpError):
        download(LINK, downloader=downloader, folder=tmp_path)
    assert inside.heard == []


@pytest.mark.parametrize("asked", [link("pasta"), link("pancakes"), A_SHORT_LINK], ids=["tiktok", "instagram", "short"])
@pytest.mark.parametrize("variables", [("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ("NO_PROXY",)], ids=["all", "none"])
def test_no_proxy_of_the_environment_decides_how_a_foreign_address_is_asked(
    site: MediaSandbox,
    inside: Listener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Link,
    variables: tuple[str, ...],
) -> None:
    for name in variables:
        monkeypatch.setenv(name, "*" if name == "NO_PROXY" else inside.url)
        monkeypatch.setenv(name.lower(), "*" if name == "NO_PROXY" else inside.url)
    assert YtDlpDownloader(proxy=site.proxy_url).fetch(asked, folder=tmp_path).media_key
    assert inside.heard == []


def test_a_plain_file_is_preferred_to_a_playlist_and_downloaded(
    site: MediaSandbox, said: JsonObject, tmp_path: Path
) -> None:
    said["formats"] = [{"format_id": "list", "url": PLAYLIST, "ext": "mp4"}, CLIP]
    video = download(LINK, downloader=YtDlpDownloader(proxy=site.proxy_url), folder=tmp_path)
    assert video.files[0].has_video
    assert site.unknown_hosts == []


def test_picture_and_sound_that_come_apart_are_joined(site: MediaSandbox, said: JsonObject, tmp_path: Path) -> None:
    said.update(two_parts(CLIP, {"url": f"https://{TIKTOK_CDN}/media/music.m4a"}))
    video = download(LINK, downloader=YtDlpDownloader(proxy=site.proxy_url), folder=tmp_path)
    (file,) = video.files
    assert (file.has_video, file.has_audio, file.codec) == (True, True, "h264")
    assert [path for path in tmp_path.iterdir() if path != file.path and path != video.cover_path] == []


def test_a_part_that_names_another_file_is_not_joined(site: MediaSandbox, said: JsonObject, tmp_path: Path) -> None:
    plain_video(tmp_path / "private.mp4")
    site.faults.add(Fault(path=r"cdn\.videos", status=200, body="ffconcat version 1.0\nfile private.mp4\n", times=None))
    said.update(two_parts({"url": f"{CDN}/1.mp4"}, {"url": f"https://{TIKTOK_CDN}/media/music.m4a"}))
    with pytest.raises(SvpError) as caught:
        download(LINK, downloader=YtDlpDownloader(proxy=site.proxy_url), folder=tmp_path)
    assert caught.value.code in (Code.MEDIA_UNREADABLE, Code.MEDIA_WRONG_KIND)


def hostile_files(folder: Path, inside: Listener) -> dict[str, str]:
    """Return texts that pose as a video, and name an address or another file."""
    private = plain_video(folder / "private.mp4")
    return {
        "an HLS playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{inside.url}/1.ts\n#EXT-X-ENDLIST\n",
        "an HLS playlist of files": f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{private}\n#EXT-X-ENDLIST\n",
        "a concat script": f"ffconcat version 1.0\nfile {inside.url}/1.mp4\n",
        "a concat script of files": "ffconcat version 1.0\nfile private.mp4\n",
        "a concat script with a part of a file": f"ffconcat version 1.0\nfile subfile,,start,0,end,9999,,:{private}\n",
        "a DASH manifest": f'<?xml version="1.0"?><MPD><Period><AdaptationSet mimeType="video/mp4"><Representation>'
        f"<BaseURL>{inside.url}/1.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "a session description": f"v=0\nc=IN IP4 127.0.0.1\nm=video {inside.port} RTP/AVP 96\n",
    }


def claimed(path: Path) -> MediaFile:
    return MediaFile(path=path, duration_s=4, readable_s=4, has_video=True, has_audio=True, width_px=90, height_px=90)


def read_frames(path: Path) -> list[Frame]:
    return list(sample(claimed(path), limit_s=10))


def choose_cover(path: Path) -> Path | None:
    return cover(Video(media_key="a:1", url="", video_path=path, files=(claimed(path),)), path.parent)


def decode_sound(path: Path) -> Path:
    return audio.decode([claimed(path)], path.parent, limit_s=10)


@pytest.mark.parametrize("read", [probe, read_frames, choose_cover, decode_sound], ids=lambda read: read.__name__)
@pytest.mark.usefixtures("bypassed")
def test_a_downloaded_file_opens_no_address_and_no_other_file(
    inside: Listener, tmp_path: Path, read: Callable[[Path], Any]
) -> None:
    for kind, text in hostile_files(tmp_path, inside).items():
        path = tmp_path / "media.mp4"
        path.write_text(text)
        found = None
        with suppress(SvpError):
            found = read(path)
        assert not found, kind
    assert inside.heard == []
