"""Follow the short links that the apps share to the post behind them.

Every redirect must lead to `https` on one of the sites' own hosts, and is requested through the egress guard, without
cookies. Whether a site redirects depends on the user agent. Where it answers with a page instead, the page may name the
post.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from svp_dagster.download.links import SITE_HOSTS, parse_link
from svp_dagster.download.site_failures import UNTRUSTED, status_failure
from svp_dagster.errors import Code, PlainCode, SvpError, failure
from svp_dagster.models import Link
from svp_dagster.telemetry import calls

MAX_STEPS: Final = 5
MAX_PAGE_BYTES: Final = 500_000

_PREVIEW: Final = "facebookexternalhit/1.1"
"""Known to both sites as the fetcher of link previews: it gets a redirect where a browser gets an app store."""
_CURL: Final = "curl/8.14.1"
# Source: okdargy/fxTikTok PR 53: TikTok redirects all user agents but a preview's; imputnet/cobalt, instagram service:
# `/share/` redirects curl.
_USER_AGENTS: Final = {"tiktok": (_PREVIEW, _CURL), "instagram": (_CURL, _PREVIEW)}
"""The user agents to ask as, one after the other, until one is redirected."""

_TAG: Final = re.compile(r"<(?:link|meta)\s[^<>]{1,2000}>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([\w:-]{1,40})=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")

BeforeRequest = Callable[[str], None]


def follow(link: Link, *, proxy_url: str, timeout_s: float, before_request: BeforeRequest) -> Link:
    """Return the link of the post that a short link leads to. Any other link is returned as it is.

    `before_request` gets the address of each request before it is sent, and may raise to prevent it.

    Raises the failure `gone` for an expired link, `unsupported_link` where it leads to anything but a post of the
    same sites, `login_required` or `rate_limited` where it leads to the login page, `post_unavailable` where it leads
    nowhere, and those of an answer with an error.
    """
    if not link.is_short:
        return link
    hooks: Any = {"request": [calls.began("site")], "response": [calls.ended]}
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(proxy=proxy_url, timeout=timeout_s, headers=headers, event_hooks=hooks) as client:
        for _ in range(MAX_STEPS):
            target = _step(client, link, before_request)
            if urlsplit(target).path.startswith(("/accounts/login", "/login")):
                raise _sent_to_login(link)
            if urlsplit(target).path in ("", "/") and urlsplit(target).hostname in SITE_HOSTS:
                raise failure(Code.GONE, detail="the short link leads to the start page")
            link = _leads_to(target)
            if not link.is_short:
                return link
    raise failure(Code.UNSUPPORTED_LINK, reason="it leads round in circles", detail=f"more than {MAX_STEPS} steps")


def post_in_page(page: str) -> Link | None:
    """Return the post that a page names as its own address, None where it names none."""
    for address in _own_addresses(page):
        try:
            link = parse_link(address)
        except SvpError:  # another address of the page may do
            continue
        if not link.is_short:
            return link
    return None


def _step(client: httpx.Client, link: Link, before_request: BeforeRequest) -> str:
    """Return where a short link leads: by its redirect, else by the page that one of the user agents gets."""
    pages: list[str] = []
    for user_agent in _USER_AGENTS[link.platform]:
        before_request(link.url)
        target, page = _ask(client, link.url, user_agent)
        if target is not None:
            return target
        pages.append(page)
    for page in pages:
        if post := post_in_page(page):
            return post.url
    reason = "its short link leads nowhere for our server, and the full address from a browser would work"
    raise failure(Code.POST_UNAVAILABLE, reason=reason, detail="the short link answered 200 and no address")


def _ask(client: httpx.Client, url: str, user_agent: str) -> tuple[str | None, str]:
    """Return the address to which `url` redirects, or None and the beginning of the page that it answers with."""
    try:
        with client.stream("GET", url, follow_redirects=False, headers={"User-Agent": user_agent}) as answer:
            if answer.has_redirect_location:
                return urljoin(url, answer.headers["location"]), ""
            if answer.status_code == httpx.codes.OK:
                return None, _beginning(answer)
            status, headers = answer.status_code, answer.headers
    except httpx.TransportError as error:
        raise _unreachable(error) from error
    raise status_failure(status, retry_after=headers.get("retry-after"), platform="") or failure(
        Code.SITE_CHANGED, detail=f"the short link answered {status} and no address"
    )


def _beginning(answer: httpx.Response) -> str:
    content = b""
    for block in answer.iter_raw():  # never unpacked: a compressed page, not asked for, could grow without bound
        content += block
        if len(content) >= MAX_PAGE_BYTES:
            break
    return content[:MAX_PAGE_BYTES].decode("utf-8", "replace")


def _own_addresses(page: str) -> Iterator[str]:
    """Yield the secure addresses in `<link rel="canonical">` and `<meta property="og:url">`."""
    for tag in _TAG.findall(page):
        attributes = {name.lower(): unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(tag)}
        is_canonical = attributes.get("rel", "").lower() == "canonical"
        is_own = is_canonical or attributes.get("property", "").lower() == "og:url"
        address = attributes.get("href" if is_canonical else "content", "")
        if is_own and address.startswith("https://"):
            yield address


def _sent_to_login(link: Link) -> SvpError:
    """Return the failure of a short link that is redirected to the login page.

    Instagram sends those there who ask too often (assumed, like its 401 `require_login`): only a ruling says that a
    post needs a login.
    """
    code: PlainCode = Code.RATE_LIMITED if link.platform == "instagram" else Code.LOGIN_REQUIRED
    return failure(code, detail="the short link leads to the login page")


def _leads_to(target: str) -> Link:
    if urlsplit(target).scheme != "https":
        raise failure(Code.UNSUPPORTED_LINK, reason="it leads to an address that isn't secure", detail="not https")
    try:
        return parse_link(target)
    except SvpError as refusal:
        reason = f"the short link doesn't lead to a post: {refusal.detail}"
        raise failure(Code.UNSUPPORTED_LINK, reason=reason, detail=refusal.detail) from refusal


def _unreachable(error: httpx.TransportError) -> SvpError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return failure(Code.MISCONFIGURED, reason=UNTRUSTED, detail=str(error))
    return failure(Code.SITE_UNREACHABLE, detail=f"short link: {type(error).__name__}")
