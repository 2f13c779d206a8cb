"""Parse what a person put into the url column as the link of one post. Nothing here asks the network.

People paste what their app's share sheet gives them: a sentence around the link, tracking parameters behind it, a
phone's address. `parse_link` takes all of these and returns the post's own address. A result is always `https` on a
host of this module (or of `extra_hosts`), so it can be shown and fetched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Link

MAX_TEXT_CHARACTERS: Final = 10_000
MAX_URL_CHARACTERS: Final = 2_000
"""Notion's own limit for a URL."""

_MAX_SHOWN_CHARACTERS = 80


_TIKTOK = frozenset({"tiktok.com", "www.tiktok.com", "m.tiktok.com", "lite.tiktok.com", "www.tiktokv.com"})
_TIKTOK_SHORT = frozenset({"vm.tiktok.com", "vt.tiktok.com"})
_INSTAGRAM = frozenset({"instagram.com", "www.instagram.com", "m.instagram.com", "instagr.am", "www.instagr.am"})
SITE_HOSTS: Final = _TIKTOK | _TIKTOK_SHORT | _INSTAGRAM
"""Every host that a link, or a step that it redirects to, may have."""

_ID = r"(?P<id>\d{5,25})"
_CODE = r"(?P<code>[\w-]{5,80})"
_TIKTOK_POST = re.compile(rf"/@(?P<user>[\w.-]{{1,64}})?/(?P<kind>video|photo)/{_ID}(?:/.*)?", re.ASCII)
_TIKTOK_BARE = re.compile(rf"/(?:v|video|share/video|embed|embed/v\d|player/v\d)/{_ID}(?:\.html|/.*)?", re.ASCII)
_TIKTOK_SHORT_PATH = re.compile(r"/(?P<code>[\w-]{4,40})/?", re.ASCII)
_TIKTOK_T = re.compile(r"/t/(?P<code>[\w-]{4,40})/?", re.ASCII)
_INSTAGRAM_POST = re.compile(rf"/(?:[\w.]{{1,40}}/)?(?P<kind>p|reels?|tv)/{_CODE}(?:/.*)?", re.ASCII)
_INSTAGRAM_SHARE = re.compile(rf"/share/(?:(?P<kind>p|reel|tv)/)?{_CODE}/?", re.ASCII)

_NOT_A_POST: Final = (
    (_TIKTOK, r"/@[^/]+/live(/.*)?|/live(/.*)?", "it is a live stream, not one post"),
    (_TIKTOK, r"/@[^/]*/?", "it is a profile, not one post"),
    (_TIKTOK, r"/@[^/]+/(collection|playlist)/.*", "it is a collection, not one post"),
    (_TIKTOK, r"/(tag|search|discover|channel|topics?)(/.*)?", "it is a tag or a search, not one post"),
    (_TIKTOK, r"/(music|sticker|place)/.*", "it is a list of posts, not one post"),
    (_INSTAGRAM, r"/stories/.*", "it is a story, which only people who are logged in can see"),
    (_INSTAGRAM, r"/[\w.]+/live(/.*)?|/live(/.*)?", "it is a live stream, not one post"),
    (_INSTAGRAM, r"/(explore|reels/audio|reels|popular)(/.*)?", "it is a tag or a search, not one post"),
    (_INSTAGRAM, r"/(accounts|direct|about|legal|developer)(/.*)?", "it is a page of the site, not one post"),
    (_INSTAGRAM, r"/[\w.]{1,40}(/(reels|tagged|channel|guide)(/.*)?)?/?", "it is a profile, not one post"),
)
"""Known pages of the sites that hold no single post: hosts, pattern of the path, what to tell."""

_WEB_ADDRESS = re.compile(r"https?:/*[^\s<>\"]+", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"(?<![\w@./-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/[^\s<>\"]+", re.IGNORECASE)
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):(?!\d)", re.IGNORECASE)
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|\d+)", re.IGNORECASE)
_AROUND = ".,;:!?)]}'’”»…*"
_TRACKING = re.compile(r"utm_\w+|igshi?d?|fbclid|gclid|si|feature|_[rtd]|is_\w+|sender_\w+|share_\w+|web_id")


def parse_link(url: str, *, extra_hosts: Collection[str] = ()) -> Link:
    """Return the link of a post in `url`, a link or a text with a link in it.

    `extra_hosts` are further sites (their subdomains too) of which any page is taken as a post. Raises the failure
    `unsupported_link` with a reason that tells what is wrong.
    """
    if not url.strip():
        raise _unsupported("the url column is empty")
    if len(url) > MAX_TEXT_CHARACTERS:
        raise _unsupported("the text is too long to be a link")
    if any(unicodedata.category(character) == "Cc" and character not in "\t\r\n" for character in url):
        raise _unsupported("it contains control characters")
    visible = "".join(character for character in url if unicodedata.category(character) != "Cf")

    refusals: list[SvpError] = []
    for address in _addresses(visible):
        try:
            return _parse_address(address, extra_hosts)
        except SvpError as refusal:
            refusals.append(refusal)
    raise refusals[0] if refusals else _no_address(visible)


def _addresses(text: str) -> Iterator[str]:
    """Yield what looks like web addresses in a text; those without a scheme only where none has one."""
    found = _WEB_ADDRESS.findall(text) or [f"https://{bare}" for bare in _BARE_ADDRESS.findall(text)]
    yield from (address.rstrip(_AROUND) for address in found)


def _no_address(text: str) -> SvpError:
    scheme = _SCHEME.match(text)
    if scheme:
        return _unsupported(f"it begins with “{scheme[1][:20].lower()}:”, and only web addresses (https) can be used")
    return _unsupported("it isn't a web address")


def _parse_address(address: str, extra_hosts: Collection[str]) -> Link:
    if len(address) > MAX_URL_CHARACTERS:
        raise _unsupported(f"it is longer than {MAX_URL_CHARACTERS} characters")
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise _unsupported("it isn't a web address") from error
    if not host or "\\" in address or not address.lower().startswith(("https://", "http://")):
        raise _unsupported("it isn't a web address")
    if "@" in parts.netloc:
        raise _unsupported("it contains a user name or a password")
    if port not in (None, 443 if parts.scheme.lower() == "https" else 80):
        raise _unsupported("it names a port")
    if ":" in host or _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        raise _unsupported("it leads to a numeric address instead of a site")

    if host in SITE_HOSTS:
        return _site_link(host, parts.path)
    if any(host == extra or host.endswith(f".{extra}") for extra in extra_hosts):
        return _extra_link(host, parts)
    raise _unsupported(f"it leads to {_shown(host)}, which is neither TikTok nor Instagram")


def _site_link(host: str, path: str) -> Link:
    link = _tiktok(host, path) if host in _TIKTOK | _TIKTOK_SHORT else _instagram(path)
    if link is not None:
        return link
    if path in ("", "/"):
        raise _unsupported("it is the start page of the site, not one post")
    for hosts, pattern, reason in _NOT_A_POST:
        if host in hosts and re.fullmatch(pattern, path):
            raise _unsupported(reason)
    raise _unsupported("it doesn't name a post of this site")


def _tiktok(host: str, path: str) -> Link | None:
    if host in _TIKTOK_SHORT:
        short = _TIKTOK_SHORT_PATH.fullmatch(path)
        return _tiktok_link(f"https://{host}/{short['code']}/", None) if short else None
    if short := _TIKTOK_T.fullmatch(path):
        site = "lite.tiktok.com" if host == "lite.tiktok.com" else "www.tiktok.com"
        return _tiktok_link(f"https://{site}/t/{short['code']}/", None)
    if post := _TIKTOK_POST.fullmatch(path):
        user, kind, number = post["user"] or "_", post["kind"], post["id"]
        return _tiktok_link(f"https://www.tiktok.com/@{user}/{kind}/{number}", number)
    bare = _TIKTOK_BARE.fullmatch(path)
    return _tiktok_link(f"https://www.tiktok.com/@_/video/{bare['id']}", bare["id"]) if bare else None


def _tiktok_link(url: str, post_id: str | None) -> Link:
    return Link(url=url, platform="tiktok", post_id=post_id)


def _instagram(path: str) -> Link | None:
    if share := _INSTAGRAM_SHARE.fullmatch(path):
        kind = f"{share['kind']}/" if share["kind"] else ""
        url = f"https://www.instagram.com/share/{kind}{share['code']}"
        return Link(url=url, platform="instagram", post_id=None)
    post = _INSTAGRAM_POST.fullmatch(path)
    if post is None or path.startswith("/reels/audio/"):
        return None
    kind = "reel" if post["kind"] == "reels" else post["kind"]
    url = f"https://www.instagram.com/{kind}/{post['code']}/"
    return Link(url=url, platform="instagram", post_id=post["code"])


def _extra_link(host: str, parts: SplitResult) -> Link:
    kept = [(name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.fullmatch(name)]
    query = f"?{urlencode(kept)}" if kept else ""
    path = f"{parts.path or '/'}{query}"
    return Link(url=f"https://{host}{path}", platform=host, post_id=path.strip("/").rpartition("/")[-1])


def _shown(host: str) -> str:
    return host if len(host) <= _MAX_SHOWN_CHARACTERS else host[:_MAX_SHOWN_CHARACTERS] + "…"


def _unsupported(reason: str) -> SvpError:
    return failure(Code.UNSUPPORTED_LINK, reason=reason, detail=reason)
