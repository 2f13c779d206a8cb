"""Instagram's answers, in the shapes that its web app of September 2026 reads."""

from typing import Any

from sandbox.media.posts import INSTAGRAM_CDN, PUBLISHED, InstagramItem, InstagramPost

PAGE_TOKEN = "AVsandboxLSD"  # noqa: S105 (everyone gets it)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PRIVATE_EXTRA = 28
"""A private post's code is longer by so many characters than the number it stands for."""


def home() -> str:
    """The front page, from which the web app takes its token."""
    return (
        "<!doctype html><html><head><title>Instagram</title></head><body>"
        f'<script type="application/json" id="__eqmc">{{"l": "{PAGE_TOKEN}"}}</script></body></html>'
    )


def ruling(post: InstagramPost | None) -> dict[str, Any]:
    """Whether a post may be shown, and if not, why."""
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
    """The post for someone who isn't logged in: nothing where it is refused."""
    shown = product(post) if post is not None and post.refusal == "none" else None
    return {"data": {"xig_polaris_media": {"if_not_gated_logged_out": shown}}}


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
