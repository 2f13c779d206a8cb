from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.download.links import SITE_HOSTS, parse_link
from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Link

VIDEO = "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"
PHOTO = "https://www.tiktok.com/@desk.physio/photo/7512345678901234504"
NAMELESS = "https://www.tiktok.com/@_/video/7512345678901234501"
REEL = "https://www.instagram.com/reel/DOpancakes1/"
SHORT = "https://vm.tiktok.com/ZMpasta01/"


@pytest.mark.parametrize(
    ("pasted", "post"),
    [
        (VIDEO, VIDEO),
        (f"{VIDEO}?is_from_webapp=1&sender_device=pc#comments", VIDEO),
        (f"  {VIDEO}/ \n", VIDEO),
        (VIDEO.replace("https", "http"), VIDEO),
        (VIDEO.replace("https", "HTTPS").replace("www.tiktok.com", "WWW.TikTok.com"), VIDEO),
        (VIDEO.replace("www.", "m."), VIDEO),
        (VIDEO.replace("www.", ""), VIDEO),
        (VIDEO.replace("https://www.", ""), VIDEO),
        (VIDEO.replace("www.tiktok.com", "www.tiktok.com:443"), VIDEO),
        (f"{PHOTO}?_r=1", PHOTO),
        ("https://www.tiktok.com/@/video/7512345678901234501", NAMELESS),
        ("https://www.tiktok.com/embed/v2/7512345678901234501?lang=en", NAMELESS),
        ("https://m.tiktok.com/v/7512345678901234501.html?u_code=x", NAMELESS),
        ("https://www.tiktokv.com/share/video/7512345678901234501/", NAMELESS),
        ("https://www.tiktokv.com/share/video/7512345678901234501?_r=1", NAMELESS),
        ("https://m.tiktok.com/share/video/7512345678901234501", NAMELESS),
        (f"{REEL}?igsh=MzRlODBiNWFlZA==", REEL),
        ("https://instagram.com/reels/DOpancakes1", REEL),
        ("https://www.instagram.com/slow.sunday/reel/DOpancakes1/", REEL),
        ("https://www.instagram.com/p/DObooklist1/?img_index=2", "https://www.instagram.com/p/DObooklist1/"),
        ("https://instagr.am/p/DObooklist1", "https://www.instagram.com/p/DObooklist1/"),
        ("https://www.instagram.com/tv/BkfuX9UB-eK/embed/captioned", "https://www.instagram.com/tv/BkfuX9UB-eK/"),
    ],
)
def test_the_forms_in_which_a_post_is_pasted_lead_to_its_own_address(pasted: str, post: str) -> None:
    platform, post_id = "tiktok" if "tiktok" in post else "instagram", post.strip("/").rpartition("/")[2]

    assert parse_link(pasted) == Link(url=post, platform=platform, post_id=post_id)


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        (SHORT, SHORT),
        ("vm.tiktok.com/ZMpasta01", SHORT),
        (f"{SHORT}?k=1", SHORT),
        ("https://vt.tiktok.com/ZSpasta02/", "https://vt.tiktok.com/ZSpasta02/"),
        ("https://www.tiktok.com/t/ZTpasta03/", "https://www.tiktok.com/t/ZTpasta03/"),
        ("https://vt.tiktok.com/ZS98QYgBSwy4P-MVZ1G/", "https://vt.tiktok.com/ZS98QYgBSwy4P-MVZ1G/"),
        ("https://www.tiktok.com/t/ZS98QYgBSwy4P-MVZ1G", "https://www.tiktok.com/t/ZS98QYgBSwy4P-MVZ1G/"),
        ("https://m.tiktok.com/t/ZTpasta03/", "https://www.tiktok.com/t/ZTpasta03/"),
        ("https://lite.tiktok.com/t/ZSlite001/", "https://lite.tiktok.com/t/ZSlite001/"),
        ("https://www.instagram.com/share/reel/BApan_1/", "https://www.instagram.com/share/reel/BApan_1"),
        ("https://www.instagram.com/share/BApancake1?x=y", "https://www.instagram.com/share/BApancake1"),
    ],
)
def test_a_short_link_is_known_as_one_that_has_to_be_followed(pasted: str, url: str) -> None:
    link = parse_link(pasted)

    assert (link.url, link.post_id, link.is_short) == (url, None, True)


@pytest.mark.parametrize(
    "pasted",
    [
        f"Check this out {SHORT} 😋",
        f"Check out Weeknight Kitchen's video! #recipe\n{SHORT}",
        f"({SHORT}), “really”!",
        f"<{SHORT}>",
        f"{SHORT} This post is shared via TikTok Lite. Download it: https://www.tiktok.com/tiktoklite",
        f"see https://www.example.com/about or {SHORT}",
        f"\u200e{SHORT}\ufeff",
    ],
)
def test_the_link_is_found_in_the_text_that_a_share_sheet_puts_around_it(pasted: str) -> None:
    assert parse_link(pasted).url == SHORT


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("", "the url column is empty"),
        (" \n ", "the url column is empty"),
        ("pasta recipe", "it isn't a web address"),
        ("https://", "it isn't a web address"),
        ("https://[::1", "it isn't a web address"),
        ("me@tiktok.com/@a/video/1234567", "it isn't a web address"),
        ("ftp://www.tiktok.com/@a/video/1234567", "it begins with “ftp:”"),
        ("file:///etc/passwd", "it begins with “file:”"),
        ("javascript:alert(1)", "it begins with “javascript:”"),
        (VIDEO.replace("www.", "user:secret@www."), "it contains a user name"),
        ("https://www.tiktok.com\\@evil.example/@a/video/1234567", "it isn't a web address"),
        ("https://www.tiktok.com@evil.example/@a/video/1234567", "it contains a user name"),
        (VIDEO.replace(".com/", ".com:8443/"), "it names a port"),
        (VIDEO.replace(".com/", ".com:99999/"), "it isn't a web address"),
        ("https://127.0.0.1/@a/video/1234567", "numeric address"),
        ("https://[::ffff:127.0.0.1]/@a/video/1234567", "numeric address"),
        ("https://2130706433/@a/video/1234567", "numeric address"),
        ("https://0x7f.1/@a/video/1234567", "numeric address"),
        ("https://www.youtube.com/watch?v=abc", "it leads to www.youtube.com, which is neither"),
        ("https://www.tiktok.com.evil.example/@a/video/1234567", "which is neither"),
        ("https://eviltiktok.com/@a/video/1234567", "which is neither"),
        ("https://www.tıktok.com/@a/video/1234567", "which is neither"),
        ("https://www.tiktok.com/@weeknight.kitchen", "it is a profile"),
        ("https://www.tiktok.com/@weeknight.kitchen/?lang=en", "it is a profile"),
        ("https://www.tiktok.com/@weeknight.kitchen/live", "it is a live stream"),
        ("https://www.tiktok.com/@a/collection/dinner-7512345678901234501", "it is a collection"),
        ("https://www.tiktok.com/tag/pasta", "it is a tag"),
        ("https://www.tiktok.com/search?q=pasta", "it is a tag or a search"),
        ("https://www.tiktok.com/music/song-7001", "it is a list of posts"),
        ("https://www.tiktok.com/", "it is the start page"),
        ("https://www.tiktok.com/@a/video/", "it doesn't name a post"),
        ("https://www.instagram.com/slow.sunday/", "it is a profile"),
        ("https://www.instagram.com/slow.sunday/reels/", "it is a profile"),
        ("https://www.instagram.com/stories/slow.sunday/3141592653/", "it is a story"),
        ("https://www.instagram.com/explore/tags/pancakes/", "it is a tag"),
        ("https://www.instagram.com/reels/audio/27182818/", "it is a tag or a search"),
        ("https://www.instagram.com/accounts/login/", "it is a page of the site"),
        ("https://www.instagram.com/slow.sunday/live/", "it is a live stream"),
        (VIDEO + "?x=" + "a" * 2_000, "it is longer than 2000 characters"),
        ("x" * 10_001, "too long to be a link"),
        (VIDEO[:-1] + "\x00", "it contains control characters"),
        (VIDEO[:-1] + "\x1b[31m", "it contains control characters"),
    ],
)
def test_what_is_no_link_of_a_post_is_refused_with_its_own_reason(pasted: str, reason: str) -> None:
    with pytest.raises(SvpError) as caught:
        parse_link(pasted)

    assert caught.value.code is Code.UNSUPPORTED_LINK
    assert reason in caught.value.sentence
    assert "pending" in caught.value.sentence


def test_a_site_of_the_allow_list_is_taken_with_its_subdomains_and_without_tracking() -> None:
    link = parse_link("https://www.youtube.com/watch?v=abc&si=xyz&utm_source=mail", extra_hosts=("youtube.com",))

    url = "https://www.youtube.com/watch?v=abc"
    assert link == Link(url=url, platform="www.youtube.com", post_id="watch?v=abc")
    assert not link.is_short


def test_the_allow_list_opens_no_other_host() -> None:
    for url in ("https://notyoutube.com/watch?v=abc", "https://127.0.0.1/watch", "http://youtube.com:8080/watch"):
        with pytest.raises(SvpError):
            parse_link(url, extra_hosts=("youtube.com",))


HOSTS = st.sampled_from(
    [*sorted(SITE_HOSTS), "evil.example", "127.0.0.1", "tiktok.com.evil.example", "user@tiktok.com"]
)
PARTS = st.sampled_from(
    ["@a", "@", "video", "photo", "p", "reel", "reels", "share", "t", "v", "..", "", "75123456789", "DOpan_c-1"]
)
PATHS = st.one_of(
    st.sampled_from(["@a.b/video/75123456789", "a.b/reel/DOpan_c-1", "share/p/DOpan_c-1", "ZMpasta01/", "t/ZMpasta01"]),
    st.lists(st.one_of(PARTS, st.text(max_size=12)), max_size=5).map("/".join),
)
SCHEMES = st.sampled_from(["https://", "http://", "", "x "])
URLS = st.builds("{}{}/{}{}".format, SCHEMES, HOSTS, PATHS, st.text(max_size=9))


@given(text=st.one_of(st.text(max_size=300), URLS))
def test_whatever_is_pasted_gives_a_safe_address_or_a_reason(text: str) -> None:
    try:
        link = parse_link(text)
    except SvpError as refusal:
        if refusal.code is Code.UNSUPPORTED_LINK:
            return
        raise
    parts = urlsplit(link.url)
    assert parts.scheme == "https"
    assert parts.netloc in SITE_HOSTS
    assert parts.query == parts.fragment == ""
    assert link.url.isascii()
    assert link.url.isprintable()
    assert parse_link(link.url) == link


@given(text=URLS)
def test_an_allow_list_lets_nothing_but_its_hosts_pass(text: str) -> None:
    try:
        link = parse_link(text, extra_hosts=("youtube.com",))
    except SvpError:
        return
    assert urlsplit(link.url).netloc in SITE_HOSTS
