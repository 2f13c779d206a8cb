"""What the stand-in shows: every post, every short link, and what is wrong with them.

`POSTS` is the list to read. A post's `link` is what a person would paste. The files are in `clips/`, those that are
broken on purpose are made of them in `sandbox.media.files`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from sandbox.media.statuses import REFUSALS, SHOWN, Status

TIKTOK_CDN = "v16-webapp-prime.tiktokcdn.com"
TIKTOK_IMAGES = "p16-sign-va.tiktokcdn.com"
INSTAGRAM_CDN = "scontent.cdninstagram.com"
PUBLISHED = datetime(2026, 9, 14, 18, 30, tzinfo=UTC)
# Source: yt-dlp, extractor/instagram.py, _AUTH_COOKIE_NAME; TikTok's has the same name.
SESSION_COOKIE = "sessionid"
"""A request that carries it, whatever its value, counts as logged in."""


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """One file in which a TikTok video is offered. `url_key` is TikTok's name for codec, height and bit rate."""

    file: str
    url_key: str
    size_px: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class TikTokPost:
    """A TikTok post. `video`, `cover`, `music`, `slides` and caption files are names, or whole URLs if hostile.

    `status` is what TikTok itself says inside the page. `captions` maps TikTok's language code to file and source:
    ASR (heard) or MT (translated). `slide_kinds` are the kinds of file in which each slide is offered, in the order of
    its addresses. `gate` puts something in front of the page.
    """

    name: str
    id: str
    user: str
    author: str = ""
    description: str = ""
    duration_s: int = 0
    video: str | None = None
    renditions: tuple[Rendition, ...] = ()
    cover: str | None = None
    captions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    slides: tuple[str, ...] = ()
    slide_kinds: tuple[str, ...] = ("jpeg", "heic")
    music: str | None = None
    music_title: str = "original sound"
    status: Status = SHOWN
    http_status: int = 200
    gate: Literal["none", "login", "age", "challenge"] = "none"
    query: str = ""

    @property
    def link(self) -> str:
        """The address as it is shared."""
        kind = "photo" if self.slides else "video"
        return f"https://www.tiktok.com/@{self.user}/{kind}/{self.id}{self.query}"


@dataclass(frozen=True, kw_only=True)
class InstagramItem:
    """One picture or video of an Instagram post: `image` is the picture, or the cover of `video`."""

    image: str
    video: str | None = None
    duration_s: float | None = None
    size_px: tuple[int, int] = (576, 1024)


@dataclass(frozen=True, kw_only=True)
class InstagramPost:
    """An Instagram post: one item, or several as a carousel.

    `refusal` is what someone gets who isn't logged in: `login` a gating ruling, `private` an empty answer to a code
    that is longer than others, `shell` an empty answer and a page without data, `rate_limit` the login page in the
    post's place, `gone` and `restricted` the ruling of a route of its own.
    """

    name: str
    code: str
    user: str
    author: str = ""
    description: str = ""
    items: tuple[InstagramItem, ...] = ()
    refusal: Literal["none", "login", "private", "shell", "rate_limit", "gone", "restricted"] = "none"
    query: str = ""

    @property
    def link(self) -> str:
        """The address as it is shared."""
        kind = "reel" if len(self.items) == 1 and self.items[0].video else "p"
        return f"https://www.instagram.com/{kind}/{self.code}/{self.query}"


Post = TikTokPost | InstagramPost

_PASTA = (
    Rendition(file="pasta_small.mp4", url_key="v12044gd0000_h264_360p_60000", size_px=(360, 640)),
    Rendition(file="pasta.mp4", url_key="v12044gd0000_h264_540p_75000", size_px=(576, 1024)),
)

SAMPLES: tuple[Post, ...] = (
    TikTokPost(
        name="pasta",  # speech, platform captions, text on the screen
        id="7512345678901234501",
        user="weeknight.kitchen",
        author="Weeknight Kitchen",
        description="Tomato basil pasta in 15 minutes 🍝 Full recipe on screen, serves 2. #pasta #recipe #easydinner",
        duration_s=26,
        video="pasta.mp4",
        renditions=_PASTA,
        cover="pasta.jpg",
        captions={"spa-ES": ("pasta.es.vtt", "MT"), "eng-US": ("pasta.en.vtt", "ASR")},
        query="?is_from_webapp=1&sender_device=pc&web_id=7400000000000000000",
    ),
    InstagramPost(
        name="pancakes",  # speech, no captions, text on the screen
        code="DOpancakes1",
        user="slow.sunday",
        author="Slow Sunday",
        description="Banana oat pancakes 🥞 4 ingredients, no flour.\n\n#breakfast #pancakes #healthyrecipes",
        items=(InstagramItem(image="pancakes.jpg", video="pancakes.mp4", duration_s=20.0),),
        query="?igsh=MzRlODBiNWFlZA==",
    ),
    TikTokPost(
        name="cafe",  # no sound at all, text on the screen
        id="7512345678901234502",
        user="porto.finds",
        author="Porto Finds",
        description="Save this for your next trip to Porto ☕️ @cafelumen #porto #cafe #portugal",
        duration_s=16,
        video="cafe.mp4",
        cover="cafe.jpg",
    ),
    InstagramPost(
        name="ramen",  # music, Japanese on the screen and in the caption
        code="DOramen0001",
        user="tokyo_men",
        author="東京麺めぐり",
        description="新宿の味噌ラーメン「星ラーメン」🍜 行列覚悟! #ラーメン #新宿グルメ",
        items=(InstagramItem(image="ramen.jpg", video="ramen.mp4", duration_s=15.0),),
    ),
    TikTokPost(
        name="sunset",  # music and a caption, nothing said, nothing to read
        id="7512345678901234503",
        user="lake.diary",
        author="Lake Diary",
        description="Golden hour at Lake Bled, end of September 🌅 #sunset #lakebled #slovenia #relax",
        duration_s=15,
        video="sunset.mp4",
        cover="sunset.jpg",
        music_title="Slow Chords",
    ),
    TikTokPost(
        name="stretches",  # three photos with music
        id="7512345678901234504",
        user="desk.physio",
        author="Desk Physio",
        description="3 stretches for everyone who sits all day 🧘 #stretching #deskjob #mobility",
        slides=("stretch_1.jpg", "stretch_2.jpg", "stretch_3.jpg"),
        music="music.m4a",
        cover="stretch_1.jpg",
        music_title="Slow Chords",
    ),
    InstagramPost(
        name="books",  # a single photo
        code="DObooklist1",
        user="paper.and.tea",
        author="Paper & Tea",
        description="My reading list for autumn 📚 Which one first? #books #bookstagram",
        items=(InstagramItem(image="reading_list.jpg", size_px=(720, 900)),),
    ),
    InstagramPost(
        name="porto_day",  # a carousel of photos and a video
        code="DOportoday1",
        user="porto.finds",
        author="Porto Finds",
        description="One perfect day in Porto 🇵🇹 #porto #citytrip",
        items=(
            InstagramItem(image="porto_1.jpg", size_px=(720, 900)),
            InstagramItem(image="cafe.jpg", video="cafe.mp4", duration_s=16.0),
            InstagramItem(image="porto_2.jpg", size_px=(720, 900)),
        ),
    ),
    InstagramPost(
        name="two_clips",  # a carousel of videos alone, the second of which is spoken
        code="DOtwoclips1",
        user="slow.sunday",
        author="Slow Sunday",
        description="Where we went, and what we ate 🥞",
        items=(
            InstagramItem(image="cafe.jpg", video="cafe.mp4", duration_s=16.0),
            InstagramItem(image="pancakes.jpg", video="pancakes.mp4", duration_s=24.0),
        ),
    ),
)
"""Posts of which a page can be made."""

REFUSED: tuple[Post, ...] = (
    *(
        TikTokPost(name=name, id=f"75123456789012346{n}", user="not.for.you", status=status)
        for n, (name, status) in enumerate(REFUSALS.items(), start=20)
    ),
    TikTokPost(name="not_found", id="7512345678901234605", user="weeknight.kitchen", http_status=404),
    TikTokPost(name="throttled", id="7512345678901234606", user="weeknight.kitchen", http_status=429),
    TikTokPost(name="broken_site", id="7512345678901234607", user="weeknight.kitchen", http_status=503),
    TikTokPost(
        name="login",  # opens with the session cookie
        id="7512345678901234608",
        user="late.night.bar",
        description="Negroni, properly #cocktails",
        duration_s=15,
        video="sunset.mp4",
        cover="sunset.jpg",
        gate="login",
    ),
    TikTokPost(name="age_gate", id="7512345678901234609", user="late.night.bar", gate="age"),
    InstagramPost(
        name="instagram_login",  # opens with the session cookie
        code="DOlogin0001",
        user="members.only",
        description="Only for you",
        items=(InstagramItem(image="sunset.jpg", video="sunset.mp4", duration_s=15.0),),
        refusal="login",
    ),
    InstagramPost(name="instagram_shell", code="DOshell0001", user="busy.account", refusal="shell"),
    InstagramPost(name="instagram_rate_limit", code="DOslowdown1", user="busy.account", refusal="rate_limit"),
    InstagramPost(name="instagram_gone", code="DOgone00001", user="was.here", refusal="gone"),
    InstagramPost(name="instagram_restricted", code="DOrestrict1", user="adults.only", refusal="restricted"),
    InstagramPost(
        name="instagram_private",  # a private post's code has 28 more characters
        code="DOprivate01" + "A" * 28,
        user="only.friends",
        refusal="private",
    ),
)
"""Posts that the site doesn't show, or not now."""

ODD: tuple[Post, ...] = (
    TikTokPost(
        name="three_hours",  # by what the page says: the file is short
        id="7512345678901234701",
        user="long.talks",
        description="The whole evening, uncut #podcast",
        duration_s=10_800,
        video="sunset.mp4",
        cover="sunset.jpg",
    ),
    TikTokPost(
        name="challenge",  # shown after TikTok's JavaScript challenge is solved
        id="7512345678901234702",
        user="lake.diary",
        description="Behind a challenge #sunset",
        duration_s=15,
        video="sunset.mp4",
        cover="sunset.jpg",
        gate="challenge",
    ),
    TikTokPost(
        name="sound_only",
        id="7512345678901234703",
        user="lake.diary",
        description="Just the sound #lofi",
        music="music.m4a",
        cover="sunset.jpg",
    ),
    TikTokPost(
        name="heic_slides",  # the first address of each slide is of a kind that not every program opens
        id="7512345678901234712",
        user="desk.physio",
        author="Desk Physio",
        description="The same stretches, from another phone",
        slides=("stretch_1.jpg", "stretch_2.jpg", "stretch_3.jpg"),
        slide_kinds=("heic", "jpeg"),
        music="music.m4a",
        cover="stretch_1.jpg",
    ),
    TikTokPost(name="nothing_in_it", id="7512345678901234704", user="lake.diary", description="gone wrong"),
    TikTokPost(
        name="empty_file", id="7512345678901234705", user="lake.diary", duration_s=15, video="empty.mp4", cover=None
    ),
    TikTokPost(name="truncated_file", id="7512345678901234706", user="lake.diary", duration_s=26, video="cut.mp4"),
    TikTokPost(name="html_file", id="7512345678901234707", user="lake.diary", duration_s=15, video="page.mp4"),
    TikTokPost(name="audio_in_mp4", id="7512345678901234708", user="lake.diary", duration_s=10, video="sound.mp4"),
    TikTokPost(
        name="no_length",  # sent in chunks without saying how much will come
        id="7512345678901234709",
        user="lake.diary",
        duration_s=26,
        video="chunked-pasta.mp4",
    ),
    TikTokPost(
        name="endless",  # as no_length, and it never stops
        id="7512345678901234710",
        user="lake.diary",
        duration_s=26,
        video="endless.mp4",
    ),
    TikTokPost(
        name="playlist_file",  # a playlist that names local files
        id="7512345678901234711",
        user="lake.diary",
        duration_s=26,
        video="playlist.mp4",
    ),
)
"""Posts with something wrong inside."""

HOSTILE_URLS = (
    "https://127.0.0.1/secret",
    "https://localhost/secret",
    "https://169.254.169.254/latest/meta-data/iam",
    "https://[::1]/secret",
    "https://[::ffff:169.254.169.254]/latest/meta-data",
    "https://2130706433/secret",
    "https://metadata.google.internal/computeMetadata/v1/",
    "http://127.0.0.1/secret",
    "http://169.254.169.254/latest/meta-data/iam",
    "file:///etc/passwd",
    f"https://{TIKTOK_CDN}/redirect?to=https://127.0.0.1/secret",
    f"https://{TIKTOK_CDN}/redirect?to=http://169.254.169.254/latest/meta-data/iam",
    f"https://{TIKTOK_CDN}:8443/secret",
)
"""Addresses that a server must never ask, whoever names them."""

HOSTILE: tuple[Post, ...] = (
    *(
        TikTokPost(name=f"hostile_media_{n}", id=f"75123456789012348{n:02}", user="mallory", duration_s=15, video=url)
        for n, url in enumerate(HOSTILE_URLS)
    ),
    *(
        TikTokPost(
            name=f"hostile_extras_{n}",  # a harmless video with a hostile cover and hostile captions
            id=f"75123456789012349{n:02}",
            user="mallory",
            description="Look at my cover",
            duration_s=15,
            video="sunset.mp4",
            cover=url,
            captions={"eng-US": (url, "ASR")},
        )
        for n, url in enumerate(HOSTILE_URLS)
    ),
    TikTokPost(
        name="hostile_slides", id="7512345678901234790", user="mallory", description="?", slides=HOSTILE_URLS[:3]
    ),
    InstagramPost(
        name="hostile_instagram",
        code="DOmallory01",
        user="mallory",
        items=(InstagramItem(image=HOSTILE_URLS[0], video=HOSTILE_URLS[2], duration_s=9.0),),
    ),
)
"""Posts that try to make the server ask for what it must not."""

POSTS: tuple[Post, ...] = (*SAMPLES, *REFUSED, *ODD, *HOSTILE)

# Source: links shared from the apps: the page of the post with `_r` and `_t`.
_PASTA_PAGE = "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501?_r=1&_t=ZS-8xyz"

SHORT_LINKS: dict[str, str] = {
    "https://vm.tiktok.com/ZMpasta01/": _PASTA_PAGE,
    "https://vt.tiktok.com/ZSpasta02/": _PASTA_PAGE,
    "https://www.tiktok.com/t/ZTpasta03/": _PASTA_PAGE,
    # Source: upekshaip/tg-ytdlp-bot issue 80: a code with hyphens and lower-case letters.
    "https://vt.tiktok.com/ZS98QYgBSwy4P-MVZ1G/": _PASTA_PAGE,
    # Source: links that TikTok Lite shares, in the URL patterns of public bots.
    "https://lite.tiktok.com/t/ZSlite001/": _PASTA_PAGE,
    # Source: yt-dlp issue 17459 and TikTokIE._TESTS: `www.tiktokv.com/share/video/ID`.
    "https://www.tiktokv.com/share/video/7512345678901234501/": _PASTA_PAGE,
    "https://vm.tiktok.com/ZMtwohops/": "https://vt.tiktok.com/ZSpasta02/",
    "https://vm.tiktok.com/ZMphotos1/": "https://www.tiktok.com/@desk.physio/photo/7512345678901234504?_r=1",
    "https://www.instagram.com/share/reel/BApancake1": "https://www.instagram.com/reel/DOpancakes1/?igsh=abc",
    "https://www.instagram.com/share/p/BAbooks001": "https://www.instagram.com/p/DObooklist1/",
    # Assumed: a share link of a private post leads to the login. If wrong: such a link is tried again instead of
    # refused. Check: instagram: short link.
    "https://www.instagram.com/share/BAlogin001": "https://www.instagram.com/accounts/login/?next=%2Fp%2FDOx%2F",
    # Assumed: an expired short link leads to the start page. If wrong: such a link is tried again instead of refused.
    # Check: tiktok: short link.
    "https://vm.tiktok.com/ZMexpired/": "https://www.tiktok.com/",
    "https://vm.tiktok.com/ZMprofile/": "https://www.tiktok.com/@weeknight.kitchen?_r=1",
    "https://vm.tiktok.com/ZMlive001/": "https://www.tiktok.com/@weeknight.kitchen/live",
    "https://vm.tiktok.com/ZMelse001/": "https://www.example.com/video/1",
    "https://vm.tiktok.com/ZMround01/": "https://vm.tiktok.com/ZMround02/",
    "https://vm.tiktok.com/ZMround02/": "https://vm.tiktok.com/ZMround01/",
    **{f"https://vm.tiktok.com/ZMbad{n:04}/": url for n, url in enumerate(HOSTILE_URLS)},
}
"""Short link → where it leads."""


def post(name: str) -> Post:
    """The post of this name. Raises KeyError."""
    return {each.name: each for each in POSTS}[name]


def copy_of(original: Post, number: int) -> Post:
    """A post of its own that shows what `original` shows; `number` is in its id, its name and its description."""
    name, description = f"{original.name}_{number}", f"{original.description} No. {number}"
    if isinstance(original, TikTokPost):
        return replace(original, name=name, description=description, id=f"76{original.id[-4:]}{number:013}")
    return replace(original, name=name, description=description, code=f"{original.code[:5]}{number:06}")
