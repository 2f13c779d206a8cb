"""How often the sites were asked for each post."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from sandbox.media.posts import SHORT_LINKS
from sandbox.recorder import RequestRecord

_PAGES = re.compile(
    r"^/(?:www\.tiktok\.com/@[^/]*/(?:video|photo)|www\.tiktokv?\.com/share/video|www\.instagram\.com/(?:p|reel))"
    r"/(?P<post>[^/]+)/?$"
)
_MEDIA_INFO = re.compile(r"^/www\.instagram\.com/api/v1/media/(?P<number>\d+)/info/$")


def requests_per_post(records: Iterable[RequestRecord], *, code_of: Callable[[str], str | None]) -> dict[str, int]:
    """Return how many requests named each post, by TikTok's id or Instagram's code.

    `code_of` knows the code for Instagram's number of a post. What names no post (the front page) is under "other",
    files of the media hosts are not counted.
    """
    counts: Counter[str] = Counter()
    for record in records:
        if re.match(r"^/(www|vm|vt|lite)\.(tiktok|tiktokv|instagram)\.com/", record.path):
            counts[_post(record, code_of) or "other"] += 1
    return dict(counts)


def _post(record: RequestRecord, code_of: Callable[[str], str | None]) -> str | None:
    target = SHORT_LINKS.get(f"https:/{record.path}")
    path = record.path if target is None else f"/{urlsplit(target).netloc}{urlsplit(target).path}"
    if page := _PAGES.match(path):
        return page["post"]
    if info := _MEDIA_INFO.match(path):
        return code_of(info["number"])
    if path.endswith("/get_ruling_for_content/"):
        return code_of(record.query.get("target_id", [""])[0])
    if path.endswith("/api/graphql") and isinstance(record.body, dict):
        return code_of(str(json.loads(record.body.get("variables", "{}")).get("media_id")))
    return None
