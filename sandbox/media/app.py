"""The sites behind the proxy: a request for `https://HOST/PATH` arrives as `/HOST/PATH`.

POST        /_sandbox/copies    {"post": NAME, "count": N} → {"links": […]}: N more posts that show what that one shows
POST/DELETE /_sandbox/browsers  see `Browsers`: which user agents get no data, or no redirect
POST/DELETE /_sandbox/throttle  see `Limit`: how many requests Instagram takes from one address
GET         /_sandbox/usage     {"posts": {CODE: N}, "addresses": {ADDRESS: {"taken": N, "refused": N}}}
"""

import json
import threading
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from pydantic import TypeAdapter, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from sandbox.faults import FaultPlan, install
from sandbox.media import files, instagram, throttle, tiktok
from sandbox.media.browsers import Browsers
from sandbox.media.posts import (
    INSTAGRAM_CDN,
    POSTS,
    SESSION_COOKIE,
    SHORT_LINKS,
    TIKTOK_CDN,
    TIKTOK_IMAGES,
    InstagramPost,
    Post,
    TikTokPost,
    copy_of,
    post,
)
from sandbox.media.statuses import NEVER_THERE
from sandbox.media.throttle import Limit, Throttle
from sandbox.media.usage import requests_per_post
from sandbox.recorder import Recorder

SHORT_LINK_HOSTS = ("vm.tiktok.com", "vt.tiktok.com", "lite.tiktok.com", "www.tiktokv.com")
HOSTS = frozenset({*SHORT_LINK_HOSTS, "www.tiktok.com", "www.instagram.com", TIKTOK_CDN, TIKTOK_IMAGES, INSTAGRAM_CDN})
"""Hosts that there are. Every other one is answered with 502, as by a proxy that can't reach it."""

# Assumed: a 429 of the sites may have a Retry-After. If wrong: a row is tried again sooner or later than it could.
# Check: none.
_RETRY_AFTER_S = 120
_View = Callable[..., Any]


class Shown:
    """The posts of both sites by what a request names them with."""

    def __init__(self) -> None:
        self.tiktok: dict[str, TikTokPost] = {}
        self.instagram: dict[str, InstagramPost] = {}
        self.instagram_by_number: dict[str, InstagramPost] = {}
        self._copies = 0
        self._lock = threading.Lock()
        for each in POSTS:
            self._show(each)

    def add_copies(self, name: str, *, count: int) -> list[str]:
        """Shows copies of a post; returns their links. Raises KeyError for a name that isn't there."""
        with self._lock:
            made = [copy_of(post(name), number) for number in range(self._copies + 1, self._copies + count + 1)]
            self._copies += count
            for each in made:
                self._show(each)
        return [each.link for each in made]

    def _show(self, each: Post) -> None:
        if isinstance(each, TikTokPost):
            self.tiktok[each.id] = each
        else:
            self.instagram[each.code] = each
            self.instagram_by_number[str(instagram.media_number(each.code))] = each


def create_app(*, faults: FaultPlan, recorder: Recorder) -> Flask:
    """All sites in one app, with the routes that steer faults."""
    app = Flask(__name__, static_folder=None)
    install(app, faults=faults, recorder=recorder)
    shown, browsers, limits = Shown(), Browsers(), Throttle()
    _add_tiktok(app, shown, browsers)
    _add_short_links(app, browsers, limits)
    _add_instagram(app, shown, limits)
    _add_media_hosts(app)
    _add_steering(app, browsers, limits)

    @app.post("/_sandbox/copies")
    def copies() -> Response:
        asked = request.get_json()
        return jsonify(links=shown.add_copies(asked["post"], count=asked["count"]))

    @app.get("/_sandbox/usage")
    def usage() -> Response:
        def code_of(number: str) -> str | None:
            found = shown.instagram_by_number.get(number)
            return None if found is None else found.code

        return jsonify(posts=requests_per_post(recorder.requests, code_of=code_of), addresses=limits.counts())

    @app.errorhandler(404)
    def not_found(_: Exception) -> tuple[str, int]:
        host = request.path.split("/")[1]
        return ("no such page", 404) if host in HOSTS else (f"the sandbox has no host {host}", 502)

    return app


def _add_steering(app: Flask, browsers: Browsers, limits: Throttle) -> None:
    @app.post("/_sandbox/browsers")
    def set_browsers() -> Response:
        asked = request.get_json()
        if not asked.keys() <= {field.name for field in fields(Browsers)}:
            return Response(status=400)
        for name, value in asked.items():
            setattr(browsers, name, value)
        return Response(status=204)

    @app.delete("/_sandbox/browsers")
    def forget_browsers() -> Response:
        vars(browsers).update(vars(Browsers()))
        return Response(status=204)

    @app.post("/_sandbox/throttle")
    def set_throttle() -> Response:
        try:
            limits.set(TypeAdapter(Limit).validate_json(request.get_data()))
        except ValidationError as error:
            return Response(error.json(include_url=False), status=400, mimetype="application/json")
        return Response(status=204)

    @app.delete("/_sandbox/throttle")
    def remove_throttle() -> Response:
        limits.set(None)
        return Response(status=204)


def _add_tiktok(app: Flask, shown: Shown, browsers: Browsers) -> None:
    @app.get("/www.tiktok.com/@<user>/<any(video, photo):kind>/<post_id>")
    def tiktok_page(user: str, kind: str, post_id: str) -> BaseResponse:
        if browsers.are_refused(request):
            return Response(tiktok.page_without_data())
        post = shown.tiktok.get(post_id)
        # Source: yt-dlp, extractor/tiktok.py, TikTokBaseIE._create_url: "_" stands for a user that isn't known.
        if post is None or user not in (post.user, "_"):
            return Response(tiktok.page(TikTokPost(name="", id=post_id, user=user, status=NEVER_THERE)))
        if post.http_status != 200:
            headers = {"Retry-After": str(_RETRY_AFTER_S)} if post.http_status == 429 else {}
            return Response("", post.http_status, headers)
        # Source: yt-dlp, extractor/tiktok.py, _extract_web_data_and_status: a redirect to /login.
        if post.gate == "login" and SESSION_COOKIE not in request.cookies:
            return redirect(f"https://www.tiktok.com/login?redirect_url={kind}")
        if post.gate == "challenge" and not tiktok.solves(request.cookies.get(tiktok.CHALLENGE_COOKIE)):
            return Response(tiktok.challenge())
        answer = Response(tiktok.page(post))
        # Source: yt-dlp, extractor/tiktok.py: tt_chain_token goes with the media.
        answer.set_cookie("tt_chain_token", "c2FuZGJveA==", domain=".tiktok.com", secure=True)
        return answer

    @app.get("/www.tiktok.com/login")
    def tiktok_login() -> str:
        return "<!doctype html><html><body>Log in to TikTok</body></html>"

    @app.get("/www.tiktok.com/")
    def tiktok_home() -> str:
        return "<!doctype html><html><body>For You</body></html>"


def _add_short_links(app: Flask, browsers: Browsers, limits: Throttle) -> None:
    @app.get("/vm.tiktok.com/<code>/")
    @app.get("/vt.tiktok.com/<code>/")
    @app.get("/lite.tiktok.com/t/<code>/")
    @app.get("/www.tiktok.com/t/<code>/")
    @app.get("/www.tiktokv.com/share/video/<code>/")
    def short_link(code: str) -> BaseResponse:  # noqa: ARG001 (the route's, and part of the path)
        return browsers.tiktok_short_link(request, SHORT_LINKS.get(f"https:/{request.path}"))

    @app.get("/www.instagram.com/share/<path:code>")
    @_throttled(limits, "page")
    def share_link(code: str) -> BaseResponse:  # noqa: ARG001 (as above)
        return browsers.instagram_share(request, SHORT_LINKS.get(f"https:/{request.path}"))


def _throttled(limits: Throttle, route: throttle.Route) -> Callable[[_View], _View]:
    """Decorate a view of Instagram's that counts against its caller's address, unless somebody is logged in."""

    def decorate(view: _View) -> _View:
        @wraps(view)
        def limited(**kwargs: str) -> Any:
            # Assumed: requests with an account's cookies have a budget of their own, which isn't played here. If wrong:
            # an installation with cookies is throttled as one without. Check: instagram: video.
            refused = None if SESSION_COOKIE in request.cookies else limits.take(request.environ["sandbox.egress"])
            refusal = throttle.refusal(refused, route) if refused else None
            return view(**kwargs) if refusal is None else refusal

        return limited

    return decorate


def _add_instagram(app: Flask, shown: Shown, limits: Throttle) -> None:
    @app.get("/www.instagram.com/")
    @_throttled(limits, "home")
    def instagram_home() -> Response:
        answer = Response(instagram.home())
        # Source: yt-dlp, extractor/instagram.py: csrftoken comes with the front page.
        answer.set_cookie("csrftoken", "sandboxcsrf", domain=".instagram.com", secure=True)
        return answer

    @app.get("/www.instagram.com/api/v1/web/get_ruling_for_content/")
    @_throttled(limits, "ruling")
    def ruling() -> Response:
        return jsonify(instagram.ruling(shown.instagram_by_number.get(request.args["target_id"])))

    @app.post("/www.instagram.com/api/graphql")
    @_throttled(limits, "graphql")
    def graphql() -> Response | tuple[str, int]:
        # Assumed: GraphQL answers 403 to who brings none of the tokens. If wrong: nothing, yt-dlp brings both. Check:
        # instagram: video.
        if request.form.get("lsd") != instagram.PAGE_TOKEN or request.headers.get("X-CSRFToken", "") == "":
            return "", 403
        number = json.loads(request.form["variables"])["media_id"]
        return jsonify(instagram.graphql(shown.instagram_by_number.get(number)))

    @app.get("/www.instagram.com/api/v1/media/<number>/info/")
    def info(number: str) -> Response | tuple[str, int]:
        post = shown.instagram_by_number.get(number)
        # Source: yt-dlp, extractor/instagram.py: media/{id}/info/ for who is logged in.
        if SESSION_COOKIE not in request.cookies or post is None:
            return "", 403
        return jsonify(items=[instagram.product(post)], status="ok")

    @app.get("/www.instagram.com/p/<code>/")
    @app.get("/www.instagram.com/p/<code>")
    @_throttled(limits, "page")
    def instagram_page(code: str) -> BaseResponse:
        post = shown.instagram.get(code)
        if post is None:
            return Response("", 404)
        # Source: yt-dlp, extractor/instagram.py: the post's page redirects to the login, "exceeded the rate-limit".
        if post.refusal == "rate_limit":
            return redirect("https://www.instagram.com/accounts/login/")
        return Response(instagram.page(post))

    @app.get("/www.instagram.com/accounts/login/")
    def instagram_login() -> str:
        return "<!doctype html><html><body>Log in to Instagram</body></html>"


def _add_media_hosts(app: Flask) -> None:
    @app.get(f"/{TIKTOK_CDN}/media/<name>")
    @app.get(f"/{TIKTOK_IMAGES}/media/<name>")
    @app.get(f"/{INSTAGRAM_CDN}/media/<name>")
    def media_file(name: str) -> Response:
        mimetype = _TYPES.get(Path(name).suffix, "application/octet-stream")
        if name == "endless.mp4":
            return Response(files.endless(), mimetype=mimetype)
        try:
            content = files.read(name)
        except FileNotFoundError:
            return Response("", 404)
        if name.startswith(files.CHUNKED):
            return Response(files.blocks(content), mimetype=mimetype)
        answer = Response(content, mimetype=mimetype)
        answer.make_conditional(request, accept_ranges=True, complete_length=len(content))
        return answer

    @app.get(f"/{TIKTOK_CDN}/redirect")
    def elsewhere() -> BaseResponse:
        return redirect(request.args["to"])


_TYPES = {
    ".mp4": "video/mp4",
    ".m4a": "audio/mp4",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".heic": "image/heic",
    ".vtt": "text/vtt",
}
