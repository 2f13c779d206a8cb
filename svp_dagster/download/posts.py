"""Parse yt-dlp's result for a post into a value: the raw dictionary goes no further than this module.

A post is a list of items: one video, several pictures, or a mixture, with or without a sound of its own. Its addresses
come from strangers and are fetched through the egress guard only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from svp_dagster.models import JsonObject, Link

SLIDES: Final = "slides"
"""Our extractor's own key: for each slide the addresses of its picture, best first."""

MAX_DESCRIPTION_CHARACTERS: Final = 10_000
MAX_TITLE_CHARACTERS: Final = 300
MAX_SLIDES: Final = 35
"""TikTok's own limit for a photo post; Instagram's is 20."""
MAX_CAPTION_TRACKS: Final = 12
_MAX_LANGUAGES: Final = 300
"""Tracks that are looked at: YouTube has some 200 translations."""
MAX_PICTURE_ADDRESSES: Final = 8
"""Addresses of one picture that are tried."""
MAX_ID_CHARACTERS: Final = 200
_GUARDED: Final = frozenset({"http", "https", "http_dash_segments"})
"""Protocols that yt-dlp requests itself: files, and files in segments."""
_UNPLAYABLE: Final = -100
_USUAL: Final = -1


@dataclass(frozen=True, kw_only=True)
class Item:
    """One element of a post: yt-dlp's formats if it is a video, and the addresses of its picture, best first."""

    formats: tuple[JsonObject, ...]
    pictures: tuple[str, ...]
    duration_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Captions:
    """A caption track that can be fetched (`url`) or came with the page (`data`)."""

    language: str
    translated: bool
    url: str
    data: str


@dataclass(frozen=True, kw_only=True)
class Post:
    """A post before anything of it is downloaded. `sound` are formats that have no picture.

    `duration_s` is the sum of its videos, as far as the site knows it.
    """

    media_key: str
    url: str
    title: str
    description: str
    uploader: str
    published_at: datetime | None
    duration_s: float | None
    is_live: bool
    items: tuple[Item, ...]
    sound: tuple[JsonObject, ...]
    covers: tuple[str, ...]
    captions: tuple[Captions, ...]


def read_post(info: JsonObject, *, link: Link) -> Post:
    """Parse yt-dlp's unprocessed result (`extract_info(…, process=False)`)."""
    entries = [entry for entry in islice(info.get("entries") or (), MAX_SLIDES) if isinstance(entry, dict)]
    first = entries[0] if entries else info
    items = tuple(islice(_items(info, entries, link), MAX_SLIDES))
    return Post(
        media_key=f"{str(info['extractor_key']).lower()}:{_short_id(str(info['id']))}",
        url=_own_url(info, link),
        title=_title(info),
        description=_text(info.get("description"))[:MAX_DESCRIPTION_CHARACTERS],
        uploader=_text(info.get("uploader") or info.get("channel"))[:MAX_TITLE_CHARACTERS],
        published_at=_time(info.get("timestamp")),
        duration_s=_positive(info.get("duration")) or _positive(sum(item.duration_s or 0.0 for item in items)),
        is_live=bool(info.get("is_live")) or info.get("live_status") in ("is_live", "is_upcoming"),
        items=items,
        sound=tuple(each for each in _files(info) if each.get("vcodec") == "none"),
        covers=_pictures(first),
        captions=tuple(_captions(info)),
    )


def choose_formats(formats: Sequence[JsonObject], *, min_short_side_px: int) -> list[JsonObject]:
    """Choose the smallest file with picture and sound whose short side is long enough, else the largest.

    Text stays readable at such a size, and the later stages cost as much as there are pixels. Where the site has
    picture and sound apart only, choose one of each.
    """
    sounds = [each for each in formats if each.get("vcodec") == "none"]
    pictures = [each for each in formats if each.get("vcodec") != "none"]
    whole = [each for each in pictures if each.get("acodec") != "none"]
    if whole or not sounds:
        return [_smallest(whole or pictures, min_short_side_px)] if pictures else []
    best_sound = max(sounds, key=lambda each: float(each.get("tbr") or each.get("abr") or 0))
    return [_smallest(pictures, min_short_side_px), best_sound] if pictures else [best_sound]


def _smallest(formats: Sequence[JsonObject], min_short_side_px: int) -> JsonObject:
    def rank(one: JsonObject) -> tuple[bool, bool, bool, int, bool, float]:
        preference = _preference(one)
        short_px = min(int(one.get("width") or min_short_side_px), int(one.get("height") or min_short_side_px))
        too_small = short_px < min_short_side_px
        return (
            preference <= _UNPLAYABLE,
            preference < _USUAL or bool(one.get("__needs_testing")),  # with a watermark, or perhaps not there
            too_small,
            -short_px if too_small else short_px,
            not str(one.get("vcodec") or "h264").startswith(("h264", "avc")),  # cheaper to decode than its successors
            float(one.get("filesize") or one.get("tbr") or float("inf")),
        )

    return min(formats, key=rank)


def _items(info: JsonObject, entries: Sequence[JsonObject], link: Link) -> Iterator[Item]:
    """Yield the items. Instagram's pictures are yt-dlp's thumbnails; elsewhere these are just covers."""
    slides = [tuple(map(str, urls[:MAX_PICTURE_ADDRESSES])) for urls in info.get(SLIDES) or () if urls]
    if slides:
        yield from (Item(formats=(), pictures=urls) for urls in slides)
        return
    for each in entries or [info]:
        pictures = _pictures(each) if link.platform == "instagram" else ()
        yield Item(formats=_videos(each), pictures=pictures, duration_s=_positive(each.get("duration")))


def _preference(offer: JsonObject) -> int:
    preference = offer.get("preference")
    return _USUAL if preference is None else int(preference)


def _videos(info: JsonObject) -> tuple[JsonObject, ...]:
    """Return the formats of a video, those of its sound alone included; none where no format has a picture."""
    formats = _files(info)
    return formats if any(each.get("vcodec") != "none" for each in formats) else ()


def _files(info: JsonObject) -> tuple[JsonObject, ...]:
    """Return the formats that yt-dlp requests itself: the others would be fetched by ffmpeg, past the guard.

    A format may not name its protocol. Then its address tells: `.m3u8` is a playlist.
    """
    from yt_dlp.utils import determine_protocol

    offered = (each for each in info.get("formats") or () if each.get("url"))
    return tuple(each for each in offered if determine_protocol(each) in _GUARDED)


def _pictures(info: JsonObject) -> tuple[str, ...]:
    thumbnails = [each for each in info.get("thumbnails") or () if each.get("url")]
    ordered = sorted(thumbnails, key=lambda each: (_preference(each), each.get("width") or 0))
    urls = [str(each["url"]) for each in reversed(ordered)]
    addresses = dict.fromkeys(urls or ([str(info["thumbnail"])] if info.get("thumbnail") else []))
    return tuple(addresses)[:MAX_PICTURE_ADDRESSES]


def _captions(info: JsonObject) -> Iterator[Captions]:
    """Yield the caption tracks, translated ones last."""
    tracks = dict(info.get("subtitles") or {})
    for language, offers in (info.get("automatic_captions") or {}).items():  # most of these are translations
        if language.endswith("-orig") or language == info.get("language"):
            tracks.setdefault(language.removesuffix("-orig"), offers)
    found = [
        Captions(
            language=_language(code),
            translated=bool(offer.get("translated")),
            url=str(offer.get("url") or ""),
            data=str(offer.get("data") or ""),
        )
        for code, offers in islice(tracks.items(), _MAX_LANGUAGES)
        if (offer := _readable(offers)) is not None
    ]
    yield from sorted(found, key=lambda track: track.translated)[:MAX_CAPTION_TRACKS]


def _readable(offers: Sequence[JsonObject]) -> JsonObject | None:
    """Return the best offer (yt-dlp's last) in a format that can be parsed."""
    return next((offer for offer in reversed(offers) if offer.get("ext") in ("vtt", "srt")), None)


def _language(code: str) -> str:
    """Turn `eng-US` into `en-US`: TikTok names languages by three letters."""
    from yt_dlp.utils import ISO639Utils

    language, dash, region = code.partition("-")
    return f"{ISO639Utils.long2short(language) or language}{dash}{region}"[:20]


def _short_id(post_id: str) -> str:
    """Return the id, or a digest of one that is absurdly long."""
    return post_id if len(post_id) <= MAX_ID_CHARACTERS else hashlib.sha256(post_id.encode()).hexdigest()


def _own_url(info: JsonObject, link: Link) -> str:
    """Return the link with the uploader's name in it, where it lacks one."""
    uploader = str(info.get("uploader") or "")
    if link.platform == "tiktok" and re.fullmatch(r"[\w.-]{1,64}", uploader, re.ASCII):
        return re.sub(r"/@[^/]*/", f"/@{uploader}/", link.url, count=1)
    return link.url


def _title(info: JsonObject) -> str:
    """Return the title; empty where yt-dlp made one up because the site has none."""
    title = _text(info.get("title"))[:MAX_TITLE_CHARACTERS]
    made_up = {f"{kind} by {info.get('channel')}" for kind in ("Video", "Post")}
    return "" if title in made_up else title


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _time(timestamp: object) -> datetime | None:
    if not isinstance(timestamp, int | float):
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _positive(number: object) -> float | None:
    return float(number) if isinstance(number, int | float) and number > 0 else None
