"""TikTok's pages, in the shapes that the web app of September 2026 reads."""

import base64
import hashlib
import json
from typing import Any

from sandbox.media.posts import PUBLISHED, TIKTOK_CDN, TIKTOK_IMAGES, Rendition, TikTokPost

# Source: yt-dlp, extractor/tiktok.py, _solve_challenge_and_set_cookies.
CHALLENGE_COOKIE = "_wafchallengeid"
_CHALLENGE_PREFIX = b"sandbox-challenge"
_CHALLENGE_ANSWER = 4321


def page(post: TikTokPost) -> str:
    """The page of a post, with its data in the script from which the web app starts."""
    # Source: recorded pages of 2026 (17 of 17 are read right by yt-dlp): webapp.video-detail with statusCode and
    # statusMsg.
    detail: dict[str, Any] = {"statusCode": post.status.code, "statusMsg": post.status.message}
    if post.gate == "age":
        # Source: yt-dlp, extractor/tiktok.py: isContentClassified asks for a login.
        detail["itemInfo"] = {"itemStruct": {"id": post.id, "isContentClassified": True}}
    elif post.status.code == 0:
        detail["itemInfo"] = {"itemStruct": _item(post)}
    data = json.dumps({"__DEFAULT_SCOPE__": {"webapp.video-detail": detail}})
    return (
        "<!doctype html><html><head><title>TikTok</title></head><body>"
        f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{data}</script></body></html>'
    )


def page_without_data() -> str:
    """The page that a robot gets: no data, and no challenge to solve either."""
    # Source: yt-dlp issues 17403 and 17604, and _solve_challenge_and_set_cookies: "Unexpected response from webpage
    # request".
    return "<!doctype html><html><head><title>TikTok - Make Your Day</title></head><body></body></html>"


def challenge() -> str:
    """The page that asks a browser to find a number before it gets the real one."""
    digest = hashlib.sha256(_CHALLENGE_PREFIX + str(_CHALLENGE_ANSWER).encode()).digest()
    asked = {"v": {"a": _b64(_CHALLENGE_PREFIX), "b": 0, "c": _b64(digest)}}
    puzzle = _b64(json.dumps(asked).encode()).rstrip("=")
    return (
        "<!doctype html><html><body>Please wait..."
        f'<p id="cs" class="{puzzle}"></p><p id="wci" class="{CHALLENGE_COOKIE}"></p>'
        '<p id="rci" class="waforiginalreid"></p><p id="rs" class="c2FuZGJveA"></p></body></html>'
    )


def solves(cookie: str | None) -> bool:
    """Whether the challenge cookie holds the number that was asked for."""
    if not cookie:
        return False
    answer = json.loads(base64.b64decode(cookie + "==")).get("d", "")
    return base64.b64decode(answer) == str(_CHALLENGE_ANSWER).encode()


def _item(post: TikTokPost) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": post.id,
        "desc": post.description,
        # Source: 17 recorded items of 2026: a number.
        "createTime": int(PUBLISHED.timestamp()),
        "author": {"id": f"69{post.id[2:]}", "uniqueId": post.user, "nickname": post.author, "secUid": "MS4wLjABAAAA"},
        "stats": {"diggCount": 1200, "shareCount": 80, "commentCount": 45, "playCount": 25_000, "collectCount": "900"},
        "music": {"id": "7001", "title": post.music_title, "authorName": post.author, "duration": post.duration_s},
        "video": _video(post),
    }
    # Source: yt-dlp, extractor/tiktok.py, _parse_aweme_video_web: a slideshow has its music only.
    if post.music:
        item["music"]["playUrl"] = _url(TIKTOK_CDN, post.music) + "?mime_type=audio_mp4"
    if post.slides:
        item["imagePost"] = {
            "images": [
                {"imageURL": {"urlList": _slide_urls(slide, post.slide_kinds)}, "imageWidth": 720, "imageHeight": 900}
                for slide in post.slides
            ]
        }
    return item


def _video(post: TikTokPost) -> dict[str, Any]:
    video: dict[str, Any] = {"id": post.id, "duration": post.duration_s, "ratio": "540p", "format": "mp4"}
    if post.video:
        video |= {"width": 576, "height": 1024, "codecType": "h264", "playAddr": _url(TIKTOK_CDN, post.video)}
    if post.cover:
        video |= {"cover": _url(TIKTOK_IMAGES, post.cover), "originCover": _url(TIKTOK_IMAGES, post.cover)}
    video["bitrateInfo"] = [_bit_rate(rendition) for rendition in post.renditions]
    # Source: yt-dlp, extractor/tiktok.py, _get_subtitles: subtitleInfos of the page.
    video["subtitleInfos"] = [
        {"LanguageCodeName": language, "Format": "webvtt", "Source": source, "Url": _url(TIKTOK_CDN, file)}
        for language, (file, source) in post.captions.items()
    ]
    return video


def _bit_rate(rendition: Rendition) -> dict[str, Any]:
    width, height = rendition.size_px
    return {
        "QualityType": 20,
        "CodecType": "h264",
        "PlayAddr": {
            "UrlList": [_url(TIKTOK_CDN, rendition.file) + "?bit_rate=1"],
            "UrlKey": rendition.url_key,
            "Width": width,
            "Height": height,
        },
    }


def _slide_urls(name: str, kinds: tuple[str, ...]) -> list[str]:
    """The addresses of one picture, one for each kind of file; a whole address stays alone."""
    if ":" in name:
        return [name]
    # Source: imputnet/cobalt, tiktok service: takes the address with `.jpeg?`; the list mixes kinds.
    # Assumed: either kind may come first. If wrong: nothing, the product takes the first that it can open. Check:
    # tiktok: photo post.
    stem = name.rpartition(".")[0]
    return [_url(TIKTOK_IMAGES, f"{stem}.{kind}?x-expires=1790000000") for kind in kinds]


def _url(host: str, name: str) -> str:
    return name if ":" in name else f"https://{host}/media/{name}"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
