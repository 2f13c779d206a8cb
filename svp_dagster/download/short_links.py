"""Follow the short links that the apps share to the post behind them.

Every redirect must lead to `https` on one of the sites' own hosts, and is requested through the egress guard, without
cookies.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from svp_dagster.download.links import SITE_HOSTS, parse_link
from svp_dagster.download.site_failures import UNTRUSTED, status_failure
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Link

MAX_STEPS: Final = 5
_USER_AGENT: Final = "facebookexternalhit/1.1"
"""Known to both sites as the fetcher of link previews: it gets a redirect where a browser gets an app store."""


def follow(link: Link, *, proxy_url: str, timeout_s: float) -> Link:
    """Return the link of the post that a short link leads to. Any other link is returned as it is.

    Raises the failure `gone` for an expired link, `unsupported_link` where it leads to anything but a post of the
    same sites, `login_required` where the site wants a login, and those of an answer with an error.
    """
    if not link.is_short:
        return link
    with httpx.Client(proxy=proxy_url, timeout=timeout_s, headers={"User-Agent": _USER_AGENT}) as client:
        for _ in range(MAX_STEPS):
            target = _step(client, link.url)
            if urlsplit(target).path.startswith(("/accounts/login", "/login")):
                raise failure(Code.LOGIN_REQUIRED, detail="the short link leads to the login page")
            if urlsplit(target).path in ("", "/") and urlsplit(target).hostname in SITE_HOSTS:
                raise failure(Code.GONE, detail="the short link leads to the start page")
            link = _leads_to(target)
            if not link.is_short:
                return link
    raise failure(Code.UNSUPPORTED_LINK, reason="it leads round in circles", detail=f"more than {MAX_STEPS} steps")


def _step(client: httpx.Client, url: str) -> str:
    """Return the target of the redirect at `url`. The answer's body is not read."""
    try:
        with client.stream("GET", url, follow_redirects=False) as answer:
            if answer.has_redirect_location:
                return urljoin(url, answer.headers["location"])
            status, headers = answer.status_code, answer.headers
    except httpx.TransportError as error:
        raise _unreachable(error) from error
    raise status_failure(status, retry_after=headers.get("retry-after"), platform="") or failure(
        Code.SITE_CHANGED, detail=f"the short link answered {status} and no address"
    )


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
