"""Instagram's answers, in the shapes that its web app of September 2026 reads."""

import json
from typing import Any

from sandbox.media.posts import INSTAGRAM_CDN, PUBLISHED, InstagramItem, InstagramPost

# Source: yt-dlp, extractor/instagram.py, InstagramIE._real_initialize: the token is in the script __eqmc.
PAGE_TOKEN = "AVsandboxLSD"  # noqa: S105 (everyone gets it)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Source: yt-dlp, extractor/instagram.py: "It's a private post (video_id == shortcode + 28 extra characters)".
_PRIVATE_EXTRA = 28
"""A private post's code is longer by so many characters than the number it stands for."""
# Source: recorded GraphQL answers for age-restricted posts of 2026 in public test suites.
_GATING = {
    "gating_type": 3,
    "title": "Age-restricted content",
    "description": "This content is age-restricted based on your age or account settings.",
}


def home() -> str:
    """The front page, from which the web app takes its token."""
    return (
        "<!doctype html><html><head><title>Instagram</title></head><body>"
        f'<script type="application/json" id="__eqmc">{{"l": "{PAGE_TOKEN}"}}</script></body></html>'
    )


def ruling(post: InstagramPost | None) -> dict[str, Any]:
    """Whether a post may be shown, and if not, why."""
    # Source: yt-dlp, extractor/instagram.py: title and description of get_ruling_for_content, "Restricted Video".
    # Assumed: the ruling route lets a gated post pass, and its ruling stands in GraphQL and in the page. If wrong:
    # nothing, yt-dlp refuses at the ruling then. Check: instagram: video.
    if post is None or post.refusal == "gone":
        return {
            "status": "fail",
            "title": "Post isn't available",
            "description": "The link you followed may be broken, or the post may have been removed.",
        }
    if post.refusal == "restricted":
        return {"status": "fail", "title": "Restricted Video", "description": "You must be 18 years old or over."}
    return {"status": "ok"}


def graphql(post: InstagramPost | None) -> dict[str, Any]:
    """The post for someone who isn't logged in: nothing where it is refused, and a ruling where a login would help."""
    answer: dict[str, Any] = {"data": {"xig_polaris_media": media(post)}, "status": "ok"}
    if post is not None and post.refusal == "login":
        # Source: recorded answers for age-restricted posts in public test suites: this error stands beside the ruling.
        message = "A server error field_exception occured. Check server logs for details."
        answer["errors"] = [{"message": message, "severity": "ERROR"}]
    return answer


def media(post: InstagramPost | None) -> dict[str, Any] | None:
    """What GraphQL and the post's page say of it to someone who isn't logged in."""
    if post is None:
        return None
    # Source: recorded GraphQL answers of 2026 in public test suites: xig_polaris_media with if_not_gated_logged_out and
    # gating_ruling.
    # Assumed: an unknown post is null. If wrong: a post that is gone is tried again until its row gives up. Check:
    # none.
    about = {"__typename": "XIGPolarisVideoMedia", "pk": str(media_number(post.code)), "code": post.code}
    shown = product(post) if post.refusal == "none" else None
    return about | {"if_not_gated_logged_out": shown, "gating_ruling": _GATING if post.refusal == "login" else None}


def page(post: InstagramPost) -> str:
    """The post's page, with its data where it is shown or ruled out."""
    # Source: yt-dlp, extractor/instagram.py: RelayPrefetchedStreamCache of the page.
    # Assumed: the page of every post that is shown has its data. If wrong: nothing, GraphQL is asked first. Check:
    # instagram: video.
    told = media(post) if post.refusal in ("none", "login") else None
    result = {"__bbox": {"result": {"data": {"xig_polaris_media": told}}}}
    cache = ["RelayPrefetchedStreamCache", "next", [], ["adp_PolarisLoggedOutDesktopWWWPostRootContentQuery", result]]
    data = json.dumps({"require": [["ScheduledServerJS", "handle", None, [{"__bbox": {"require": [cache]}}]]]})
    script = f'<script type="application/json" data-sjs>{data}</script>' if told else ""
    return f"<!doctype html><html><head><title>Instagram</title></head><body>{script}</body></html>"


def product(post: InstagramPost) -> dict[str, Any]:
    """The post itself."""
    about = {
        "pk": str(media_number(post.code)),
        "code": post.code,
        "caption": {"text": post.description},
        "user": {"pk": "5150", "username": post.user, "full_name": post.author},
        "taken_at": int(PUBLISHED.timestamp()),
        "like_count": 321,
    }
    if len(post.items) == 1:
        return about | _media(post.items[0])
    carousel = [{"pk": str(media_number(post.code) + n)} | _media(item) for n, item in enumerate(post.items, start=1)]
    return about | {"carousel_media": carousel}


def media_number(code: str) -> int:
    """The number for which a post's code stands."""
    number = 0
    for character in code[:-_PRIVATE_EXTRA] if len(code) > _PRIVATE_EXTRA else code:
        number = number * len(_ALPHABET) + _ALPHABET.index(character)
    return number


def _media(item: InstagramItem) -> dict[str, Any]:
    width, height = item.size_px
    # Source: yt-dlp, extractor/instagram.py, _extract_product_media.
    media: dict[str, Any] = {
        "media_type": 2 if item.video else 1,
        "image_versions2": {"candidates": [{"url": _url(item.image), "width": width, "height": height}]},
        "video_versions": [],
    }
    if item.video:
        media["video_duration"] = item.duration_s
        media["has_audio"] = True
        media["video_versions"] = [
            {"type": kind, "url": f"{_url(item.video)}?type={kind}", "width": width, "height": height}
            for kind in (101, 102, 103)
        ]
    return media


def _url(name: str) -> str:
    return name if ":" in name else f"https://{INSTAGRAM_CDN}/media/{name}"
