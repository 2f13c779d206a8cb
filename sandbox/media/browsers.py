"""What the sites make of who asks: which user agents get a redirect, and which browsers are taken for robots."""

import re
from dataclasses import dataclass
from html import escape

from flask import Request, Response, redirect
from werkzeug.wrappers import Response as BaseResponse


@dataclass
class Browsers:
    """What a test sets about user agents; each is a regular expression, searched in the whole of one.

    `refused` get a page without data on TikTok's posts. `not_redirected` get a page in the place of a redirect from a
    short link of TikTok's, which names the post as its canonical link unless `has_canonical` is off.
    """

    # Source: yt-dlp issues 17403 and 17604: "Unexpected response from webpage request" with the newest Chrome target of
    # curl_cffi, while an older one works. The targets differ in `User-Agent` and `sec-ch-ua`.
    # Assumed: the site tells the targets apart by more than the user agent, which is what a test can see of it. If
    # wrong: nothing, the product changes the whole target. Check: tiktok: video.
    refused: str = r"(?!)"
    # Source: okdargy/fxTikTok PR 53: no `Location` for Discordbot since August 2026.
    not_redirected: str = "Discordbot"
    has_canonical: bool = True

    def are_refused(self, request: Request) -> bool:
        """Whether TikTok takes the one who asks for a robot."""
        return re.search(self.refused, _agent(request)) is not None

    def tiktok_short_link(self, request: Request, target: str | None) -> BaseResponse:
        """Return what a short link of TikTok's answers; `target` is None for a link that leads nowhere."""
        if target is None:
            return Response("", 404)
        if re.search(self.not_redirected, _agent(request)):
            return self._page(target)
        return redirect(target, 301)

    def instagram_share(self, request: Request, target: str | None) -> BaseResponse:
        """Return what a `/share/` link of Instagram's answers."""
        if target is None:
            return Response("", 404)
        # Source: imputnet/cobalt, instagram service, asks `/share/` as curl; mikf/gallery-dl PR 7241 with Sec-Fetch
        # headers. Others get a page.
        if _agent(request).startswith("curl/") or "Sec-Fetch-Mode" in request.headers:
            return redirect(target, 302)
        return self._page(target)

    def _page(self, target: str) -> Response:
        # Assumed: the page that stands in the place of a redirect names the post in `rel="canonical"` and `og:url`. If
        # wrong: short links stop working for people once every user agent is refused. Check: tiktok: short link.
        address = escape(target.partition("?")[0])
        links = f'<link rel="canonical" href="{address}"/><meta property="og:url" content="{address}"/>'
        return Response(f"<!doctype html><html><head>{links if self.has_canonical else ''}</head><body></body></html>")


def _agent(request: Request) -> str:
    return request.headers.get("User-Agent", "")
