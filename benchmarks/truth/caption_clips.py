"""Make the clips of the part `captions`: captions of many styles, burned in over moving backgrounds.

Each style is a clip of its own, the style "busy" five, with captions that stand for half a second to two seconds. Text
is drawn with the font that Pillow carries. Half of the styles and of the words are held out: the product was tuned with
the other half.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.clips import FRAMES_PER_S
from benchmarks.truth import backgrounds

SIZE = WIDTH, HEIGHT = backgrounds.SIZE
STANDS_S = (1.0, 0.5, 2.0, 0.8, 1.5, 1.0, 0.8, 1.5, 0.5, 2.0)
"""How long one caption after another stands."""

TUNED_WORDS = (
    "Chop two red onions", "Add olive oil", "Fry until golden", "Boil the spaghetti", "Best ramen in town",
    "Save this for later", "Open from 8 to 22", "Turn left at the bridge", "Only 12 seats inside",
    "Try the black garlic",
)  # fmt: skip
HELD_OUT_WORDS = (
    "Pack light for spring", "Hidden beach near Sines", "Bus 714 stops here", "Bring your own towel",
    "Whisk three egg yolks", "Rest the dough 40 minutes", "My favourite used bookshop", "Free entry on Sundays",
    "Meet at platform 9", "Wait for the sunset",
)  # fmt: skip
TUNED_PHRASES = ("this is the one pan dinner I make every week", "how to fold a shirt in two seconds flat")
HELD_OUT_PHRASES = ("nobody tells you that the ferry is half empty", "you can book the whole cabin for one night")
FRACTIONS = (
    ("", (1, 3), " cup oil"), ("1", (1, 2), " lb flour"), ("", (3, 4), " tsp salt"), ("2", (1, 4), " cups milk"),
    ("", (2, 3), " cup sugar"), ("13 eggs", None, ""), ("12 figs 34 nuts", None, ""), ("cook 1", (1, 2), " hours"),
)  # fmt: skip
"""What stands before a fraction, its numbers, and what follows it. Some have whole numbers alone."""

Draw = Callable[[Image.Image, str], None]
Fraction = tuple[str, tuple[int, int] | None, str]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A caption as it is to be read, and from when until when it stands whole or in part."""

    text: str
    start_s: float
    end_s: float

    @property
    def stands_s(self) -> float:
        """How long it stands."""
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class State:
    """A picture of text that is laid over the background from a second on."""

    start_s: float
    picture: Image.Image


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A style's clip: its captions, and the states that show them."""

    style: str
    is_tuned: bool
    background: str
    shown: tuple[Shown, ...]
    states: tuple[State, ...]
    duration_s: float


def clips() -> list[Clip]:
    """Return the clip of each style."""
    plain = {
        "outlined": (True, "pan", _centred(46, stroke=5)),
        "boxed": (False, "pan", _centred(40, box=(20, 20, 20, 255))),
        "coloured": (True, "hard", _centred(48, fill="#ffe14d", stroke=4)),
        "small print": (False, "flow", _centred(26, top=0.86, stroke=2)),
        "emoji beside": (True, "pan", _centred(42, stroke=4, emoji=True)),
        "plain white": (False, "flow", _centred(50, stroke=0)),
        "title": (True, "hard", _centred(64, top=0.25, stroke=7)),
        "dark on a light box": (False, "hard", _centred(38, fill="#111111", box=(250, 250, 250, 255))),
    }
    made = [
        _one_by_one(style, draw, is_tuned=is_tuned, background=background)
        for style, (is_tuned, background, draw) in plain.items()
    ]
    return [
        *made,
        _growing("typewriter", _centred(40, stroke=4), is_tuned=True, background="pan"),
        _word_by_word("word by word", _centred(60, stroke=6), is_tuned=False, background="hard"),
        _columns("two columns", is_tuned=False, background="flow"),
        _fractions("fractions", is_tuned=True, background="pan"),
        *(
            _one_by_one(f"busy {background}", _centred(46, stroke=5), is_tuned=is_tuned, background=background)
            for background, is_tuned in backgrounds.BUSY.items()
        ),
    ]


def make(clip: Clip, folder: Path, ffmpeg: str) -> Path:
    """Render a clip as H.264 with B-frames, as the platforms deliver it, and return its file."""
    states = folder / clip.style.replace(" ", "_")
    states.mkdir()
    listing = ["ffconcat version 1.0"]
    ends = [*(state.start_s for state in clip.states[1:]), clip.duration_s]
    for number, (state, end_s) in enumerate(zip(clip.states, ends, strict=True)):
        state.picture.save(states / f"{number:03d}.png", compress_level=1)
        listing += [f"file '{number:03d}.png'", f"duration {end_s - state.start_s:.3f}"]
    (states / "list.txt").write_text("\n".join([*listing, ""]))
    target = folder / f"{states.name}.mp4"
    subprocess.run(
        [
            ffmpeg, "-y", "-loglevel", "error", *backgrounds.inputs(clip.background, folder),
            "-f", "concat", "-safe", "0", "-i", str(states / "list.txt"), "-filter_complex",
            f"[0:v]{backgrounds.motion(clip.background)}format=yuv420p[b];"
            "[b][1:v]overlay=eof_action=repeat,format=yuv420p[v]",
            "-map", "[v]", "-t", str(clip.duration_s), "-r", str(FRAMES_PER_S), "-c:v", "libx264",
            "-preset", "veryfast", "-crf", "26", "-movflags", "+faststart", str(target),
        ],
        check=True,
    )  # fmt: skip
    return target


def fraction_text(before: str, fraction: tuple[int, int] | None, after: str) -> str:
    """Return a caption with its fraction in digits."""
    figure = f"{fraction[0]}/{fraction[1]}" if fraction else ""
    return f"{before} {figure}{after}".strip()


def _one_by_one(style: str, draw: Draw, *, is_tuned: bool, background: str) -> Clip:
    words = TUNED_WORDS if is_tuned else HELD_OUT_WORDS
    timed = list(zip(words, cycle(STANDS_S)))
    return _clip(style, [(text, text, stands_s) for text, stands_s in timed], draw, is_tuned, background)


def _growing(style: str, draw: Draw, *, is_tuned: bool, background: str) -> Clip:
    """Captions that are typed at twelve letters a second and stand whole for a second."""
    steps: list[tuple[str, str, float]] = []
    for text in (TUNED_WORDS if is_tuned else HELD_OUT_WORDS)[:5]:
        steps += [(text, text[:length], 1 / 12) for length in range(1, len(text))]
        steps.append((text, text, 1.0))
    return _clip(style, steps, draw, is_tuned, background)


def _word_by_word(style: str, draw: Draw, *, is_tuned: bool, background: str) -> Clip:
    """Captions of which one word after another is shown, each for 0.3 to 0.5 s."""
    steps: list[tuple[str, str, float]] = []
    for phrase in TUNED_PHRASES if is_tuned else HELD_OUT_PHRASES:
        steps += [(phrase, word, stands_s) for word, stands_s in zip(phrase.split(), cycle((0.3, 0.4, 0.5)))]
        steps.append(("", "", 1.0))
    return _clip(style, steps, draw, is_tuned, background)


def _columns(style: str, *, is_tuned: bool, background: str) -> Clip:
    """Two captions side by side, each line of which belongs to its side."""
    words = TUNED_WORDS if is_tuned else HELD_OUT_WORDS
    draw = _centred(28, stroke=3)
    shown: list[Shown] = []
    states: list[State] = []
    at_s = 0.0
    for (left, right), stands_s in zip(zip(words[::2], words[1::2], strict=True), cycle((2.0, 1.0, 1.5))):
        picture = Image.new("RGBA", SIZE)
        for number, text in enumerate((left, right)):
            half = Image.new("RGBA", (WIDTH // 2, HEIGHT))
            draw(half, text.replace(" ", "\n", 1))
            picture.alpha_composite(half, (number * WIDTH // 2, 0))
            shown += [Shown(text=line, start_s=at_s, end_s=at_s + stands_s) for line in text.split(" ", 1)]
        states.append(State(start_s=at_s, picture=picture))
        at_s += stands_s
    return _ended(style, is_tuned, background, shown, states, at_s)


def _fractions(style: str, *, is_tuned: bool, background: str) -> Clip:
    shown: list[Shown] = []
    states: list[State] = []
    for number, (before, fraction, after) in enumerate(FRACTIONS):
        picture = Image.new("RGBA", SIZE)
        _draw_fraction(picture, (before, fraction, after))
        at_s = number * 1.25
        states.append(State(start_s=at_s, picture=picture))
        shown.append(Shown(text=fraction_text(before, fraction, after), start_s=at_s, end_s=at_s + 1.25))
    return _ended(style, is_tuned, background, shown, states, len(FRACTIONS) * 1.25)


def _clip(style: str, steps: Sequence[tuple[str, str, float]], draw: Draw, is_tuned: bool, background: str) -> Clip:
    """Return the clip of steps: the caption, what is shown of it, and for how long."""
    shown: list[Shown] = []
    states: list[State] = []
    at_s = 0.0
    for text, drawn, stands_s in steps:
        picture = Image.new("RGBA", SIZE)
        draw(picture, drawn)
        states.append(State(start_s=at_s, picture=picture))
        if shown and shown[-1].text == text:
            shown[-1] = Shown(text=text, start_s=shown[-1].start_s, end_s=at_s + stands_s)
        elif text:
            shown.append(Shown(text=text, start_s=at_s, end_s=at_s + stands_s))
        at_s += stands_s
    return _ended(style, is_tuned, background, shown, states, at_s)


def _ended(
    style: str, is_tuned: bool, background: str, shown: Sequence[Shown], states: Sequence[State], end_s: float
) -> Clip:
    """Return the clip with a second without text at its end."""
    last = State(start_s=end_s, picture=Image.new("RGBA", SIZE))
    return Clip(
        style=style,
        is_tuned=is_tuned,
        background=background,
        shown=tuple(shown),
        states=(*states, last),
        duration_s=end_s + 1,
    )


def _centred(
    height_px: int,
    *,
    top: float = 0.62,
    fill: str = "white",
    stroke: int = 0,
    box: tuple[int, int, int, int] | None = None,
    emoji: bool = False,
) -> Draw:
    """Return what draws a text in the middle of a picture."""
    font = ImageFont.load_default(size=height_px)

    def draw(picture: Image.Image, text: str) -> None:
        if not text:
            return
        pen = ImageDraw.Draw(picture)
        width = max(pen.textlength(line, font=font) for line in text.splitlines())
        left, upper = (picture.width - width) / 2, top * picture.height
        if box:
            pen.rounded_rectangle((left - 18, upper - 8, left + width + 18, upper + height_px * 1.35), 14, fill=box)
        pen.multiline_text((left, upper), text, font=font, fill=fill, stroke_width=stroke, stroke_fill="black")
        if emoji:
            _draw_face(pen, left + width + 14, upper + 4, height_px)

    return draw


def _draw_face(pen: ImageDraw.ImageDraw, left: float, top: float, size: int) -> None:
    """Draw a smiling face: fonts with coloured emoji aren't everywhere."""
    pen.ellipse((left, top, left + size, top + size), fill="#ffcc33", outline="#b37400")
    for eye in (0.33, 0.67):
        x, y = left + size * eye, top + size * 0.38
        pen.ellipse((x - 3, y - 5, x + 3, y + 5), fill="#4d2600")
    pen.arc((left + size * 0.25, top + size * 0.3, left + size * 0.75, top + size * 0.8), 20, 160, "#4d2600", 4)


def _draw_fraction(picture: Image.Image, caption: Fraction) -> None:
    """Draw a caption whose fraction is one sign: small numbers above and below a slash, as fonts have them."""
    height_px, left, top = 54, 90.0, 0.62 * HEIGHT
    whole, part = ImageFont.load_default(size=height_px), ImageFont.load_default(size=round(height_px * 0.62))
    pen = ImageDraw.Draw(picture)

    def write(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, down: float) -> None:
        nonlocal left
        pen.text((left, top + down), text, font=font, fill="white", stroke_width=3, stroke_fill="black")
        left += pen.textlength(text, font=font)

    before, fraction, after = caption
    write(before, whole, 0)
    if fraction:
        write(str(fraction[0]), part, height_px * 0.02)
        left -= height_px * 0.06
        write("/", whole, 0)
        left -= height_px * 0.06
        write(str(fraction[1]), part, height_px * 0.42)
    write(after, whole, 0)
