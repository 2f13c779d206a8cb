"""The sites behind the proxy: a request for `https://HOST/PATH` arrives as `/HOST/PATH`.

POST /_sandbox/copies  {"post": NAME, "count": N} → {"links": […]}: N more posts that show what that one shows
"""

import json
import threading
from pathlib import Path

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.faults import FaultPlan, install
from sandbox.media import files, instagram, tiktok
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
from sandbox.recorder import Recorder

SHORT_LINK_HOSTS = ("vm.tiktok.com", "vt.tiktok.com")
HOSTS = frozenset({*SHORT_LINK_HOSTS, "www.tiktok.com", "www.instagram.com", TIKTOK_CDN, TIKTOK_IMAGES, INSTAGRAM_CDN})
"""Hosts that there are. Every other one is answered with 502, as by a proxy that can't reach it."""

_RETRY_AFTER_S = 120


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
    shown = Shown()
    _add_tiktok(app, shown)
    _add_instagram(app, shown)
    _add_media_hosts(app)

    @app.post("/_sandbox/copies")
    def copies() -> Response:
        asked = request.get_json()
        return jsonify(links=shown.add_copies(asked["post"], count=asked["count"]))

    @app.errorhandler(404)
    def not_found(_: Exception) -> tuple[str, int]:
        host = request.path.split("/")[1]
        return ("no such page", 404) if host in HOSTS else (f"the sandbox has no host {host}", 502)

    return app


def _add_tiktok(app: Flask, shown: Shown) -> None:
    @app.get("/www.tiktok.com/@<user>/<any(video, photo):kind>/<post_id>")
    def tiktok_page(user: str, kind: str, post_id: str) -> BaseResponse:
        post = shown.tiktok.get(post_id)
        if post is None or user not in (post.user, "_"):
            return Response(tiktok.page(TikTokPost(name="", id=post_id, user=user, status=10231)))
        if post.http_status != 200:
            headers = {"Retry-After": str(_RETRY_AFTER_S)} if post.http_status == 429 else {}
            return Response("", post.http_status, headers)
        if post.gate == "login" and SESSION_COOKIE not in request.cookies:
            return redirect(f"https://www.tiktok.com/login?redirect_url={kind}")
        if post.gate == "challenge" and not tiktok.solves(request.cookies.get(tiktok.CHALLENGE_COOKIE)):
            return Response(tiktok.challenge())
        answer = Response(tiktok.page(post))
        answer.set_cookie("tt_chain_token", "c2FuZGJveA==", domain=".tiktok.com", secure=True)
        return answer

    @app.get("/www.tiktok.com/login")
    def tiktok_login() -> str:
        return "<!doctype html><html><body>Log in to TikTok</body></html>"

    @app.get("/www.tiktok.com/")
    def tiktok_home() -> str:
        return "<!doctype html><html><body>For You</body></html>"

    @app.get("/vm.tiktok.com/<code>/")
    @app.get("/vt.tiktok.com/<code>/")
    @app.get("/www.tiktok.com/t/<code>/")
    @app.get("/www.instagram.com/share/<path:code>")
    def short_link(code: str) -> BaseResponse:  # noqa: ARG001 (the route's, and part of the path)
        target = SHORT_LINKS.get(f"https:/{request.path}")
        return redirect(target, 301) if target else Response("", 404)


def _add_instagram(app: Flask, shown: Shown) -> None:
    @app.get("/www.instagram.com/")
    def instagram_home() -> Response:
        answer = Response(instagram.home())
        answer.set_cookie("csrftoken", "sandboxcsrf", domain=".instagram.com", secure=True)
        return answer

    @app.get("/www.instagram.com/api/v1/web/get_ruling_for_content/")
    def ruling() -> Response:
        return jsonify(instagram.ruling(shown.instagram_by_number.get(request.args["target_id"])))

    @app.post("/www.instagram.com/api/graphql")
    def graphql() -> Response | tuple[str, int]:
        if request.form.get("lsd") != instagram.PAGE_TOKEN or request.headers.get("X-CSRFToken", "") == "":
            return "", 403
        number = json.loads(request.form["variables"])["media_id"]
        return jsonify(instagram.graphql(shown.instagram_by_number.get(number)))

    @app.get("/www.instagram.com/api/v1/media/<number>/info/")
    def info(number: str) -> Response | tuple[str, int]:
        post = shown.instagram_by_number.get(number)
        if SESSION_COOKIE not in request.cookies or post is None:
            return "", 403
        return jsonify(items=[instagram.product(post)], status="ok")

    @app.get("/www.instagram.com/p/<code>/")
    @app.get("/www.instagram.com/p/<code>")
    def instagram_page(code: str) -> BaseResponse:
        post = shown.instagram.get(code)
        if post is None:
            return Response("", 404)
        if post.refusal == "rate_limit":
            return redirect("https://www.instagram.com/accounts/login/")
        return Response("<!doctype html><html><body>Instagram</body></html>")

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
    ".vtt": "text/vtt",
}
