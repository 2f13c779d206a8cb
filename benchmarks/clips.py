"""Make the clips of the media and cost benchmarks, with the texts that each one shows.

No camera and no site is needed. Text is drawn with the font that Pillow carries, and spoken by espeak-ng.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FRAMES_PER_S = 30
FLOW_COLOURS = "n=4:c0=0x234567:c1=0x9b4f2a:c2=0x4a7c59:c3=0x6b3fa0"

STEPS = (
    "Preheat the oven to 220 C", "Chop two red onions", "Crush four garlic cloves", "Add 30 ml olive oil",
    "Fry until golden", "Season with smoked paprika", "Pour in 400 g tomatoes", "Simmer for twelve minutes",
    "Grate 80 g parmesan", "Boil the spaghetti", "Save a cup of water", "Drain and shake dry",
    "Toss with the sauce", "Tear fresh basil leaves", "Squeeze half a lemon", "Taste and add salt",
    "Toast the breadcrumbs", "Spread on a warm plate", "Top with chili flakes", "Let it rest a moment",
    "Slice the sourdough", "Rub with raw garlic", "Drizzle with honey", "Whisk three egg yolks",
    "Fold in the cream", "Chill for one hour", "Dust with cocoa", "Serve with mint",
    "Keeps for five days", "Freeze in small tubs",
)  # fmt: skip
"""Captions, one after another; longer clips number them so that each is said once."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A text that is burned in between two seconds; `top` is the share of the height above it."""

    text: str
    start_s: float
    end_s: float
    top: float
    height_px: int
    style: str = "outline"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What to make.

    `background` is `pan` (a camera that moves over a picture), `hard` (faster, over one that is full of lines),
    `flow` (soft colours), `still` or `slides`.
    """

    name: str
    duration_s: int
    width_px: int
    height_px: int
    background: str
    items: tuple[Item, ...]


def captions(*, duration_s: float, every_s: float, shown_s: float, top: float, height_px: int) -> list[Item]:
    """Captions one after another, all different."""
    items = []
    count = int(duration_s // every_s)
    for number in range(count):
        step = STEPS[number % len(STEPS)]
        text = step if number < len(STEPS) else f"{step} {number}"
        start_s = number * every_s
        items.append(Item(text=text, start_s=start_s, end_s=start_s + shown_s, top=top, height_px=height_px))
    return items


def clips(*, quick: bool = False) -> list[Clip]:
    """The clips of the benchmark; `quick` leaves the two long ones out."""
    tall, hd = (1080, 1920), (720, 1280)

    def clip(name: str, duration_s: int, size: tuple[int, int], background: str, items: list[Item]) -> Clip:
        width, height = size
        handle = Item(
            text="@kitchen.notes", start_s=0, end_s=duration_s, top=0.06, height_px=width // 32, style="plain"
        )
        return Clip(
            name=name,
            duration_s=duration_s,
            width_px=width,
            height_px=height,
            background=background,
            items=(handle, *items),
        )

    def below(text: str, start_s: float, end_s: float, height_px: int) -> Item:
        return Item(text=text, start_s=start_s, end_s=end_s, top=0.9, height_px=height_px, style="plain")

    def spoken(duration_s: int, every_s: float, height_px: int, top: float = 0.7) -> list[Item]:
        return captions(duration_s=duration_s, every_s=every_s, shown_s=every_s, top=top, height_px=height_px)

    notes = [below("serves 4 people", 4, 12, 34), below("650 kcal each", 20, 34, 34)]
    photos = [below(f"photo {number + 1} of 7", number * 5, number * 5 + 5, 36) for number in range(7)]
    short = [
        clip("speech", 15, hd, "pan", spoken(15, 2, 42)),
        clip("silent text", 20, tall, "flow", spoken(20, 4, 66, top=0.45)),
        clip("slideshow", 35, tall, "slides", [*spoken(35, 5, 72, top=0.3), *photos]),
        clip("static", 20, hd, "still", [Item(text="Pasta al pomodoro", start_s=0, end_s=20, top=0.3, height_px=64)]),
        clip("hard background", 20, tall, "hard", spoken(20, 2, 60)),
    ]
    long = [
        clip("speech", 60, tall, "pan", [*spoken(60, 2, 60), *notes]),
        clip("speech", 180, hd, "pan", [*spoken(180, 4, 42), below("serves 4 people", 90, 110, 26)]),
    ]
    return short if quick else [*short, *long]


def make(clip: Clip, folder: Path, ffmpeg: str, *, spoken: bool) -> Path:
    """Render `clip` as H.264 with B-frames and AAC, as the platforms deliver it, and return its file.

    Its sound are its captions if they are to be `spoken`, else a tone. Exits without espeak-ng if it is needed.
    """
    target = folder / f"{clip.name.replace(' ', '_')}_{clip.duration_s}_s.mp4"
    states = _draw_states(clip, folder / f"{target.stem}_text")
    background = _background(clip, folder)
    sound = _speech(clip, folder) if spoken else ["-f", "lavfi", "-i", "sine=frequency=220:beep_factor=4"]
    subprocess.run(
        [
            ffmpeg, "-y", "-loglevel", "error", *background, "-f", "concat", "-safe", "0", "-i", str(states),
            *sound, "-filter_complex",
            f"[0:v]{_motion(clip)}format=yuv420p[b];[b][1:v]overlay=eof_action=repeat,format=yuv420p[v]",
            "-map", "[v]", "-map", "2:a", "-t", str(clip.duration_s), "-r", str(FRAMES_PER_S),
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-c:a", "aac", "-b:a", "64k",
            "-movflags", "+faststart", str(target),
        ],
        check=True,
    )  # fmt: skip
    return target


def _draw_states(clip: Clip, folder: Path) -> Path:
    """A transparent picture per set of texts shown together, and the list that tells ffmpeg how long each is on."""
    folder.mkdir(parents=True, exist_ok=True)
    cuts = sorted({0.0, float(clip.duration_s)} | {t for i in clip.items for t in (i.start_s, i.end_s)})
    lines = ["ffconcat version 1.0"]
    for number, (start_s, end_s) in enumerate(pairwise(cuts)):
        picture = Image.new("RGBA", (clip.width_px, clip.height_px))
        for item in clip.items:
            if item.start_s <= start_s < item.end_s:
                _draw(picture, item)
        name = folder / f"{number:03d}.png"
        picture.save(name, compress_level=1)
        lines += [f"file '{name.name}'", f"duration {end_s - start_s}"]
    listing = folder / "list.txt"
    listing.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return listing


def _draw(picture: Image.Image, item: Item) -> None:
    font = ImageFont.load_default(size=item.height_px)
    draw = ImageDraw.Draw(picture)
    outline = item.height_px // 12 if item.style == "outline" else 1
    width = draw.textlength(item.text, font=font)
    left = (picture.width - width) / 2
    draw.text(
        (left, item.top * picture.height), item.text, font=font, fill="white", stroke_width=outline, stroke_fill="black"
    )


def _background(clip: Clip, folder: Path) -> list[str]:
    size = f"{clip.width_px}x{clip.height_px}"
    if clip.background == "flow":
        return ["-f", "lavfi", "-i", f"gradients=size={size}:rate={FRAMES_PER_S}:speed=0.02:seed=7:{FLOW_COLOURS}"]
    if clip.background == "slides":
        listing = folder / "photos.txt"
        lines = ["ffconcat version 1.0"]
        for number in range(clip.duration_s // 5):
            slide = photo(folder / f"slide_{number}.png", clip.width_px, clip.height_px, seed=number)
            lines += [f"file '{slide.name}'", "duration 5"]
        listing.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return ["-f", "concat", "-safe", "0", "-i", str(listing)]
    margin = 1 if clip.background == "still" else 1.4
    width, height = int(clip.width_px * margin), int(clip.height_px * margin)
    name = folder / f"photo_{clip.background}_{width}x{height}.png"
    return ["-i", str(photo(name, width, height, seed=3, lines=clip.background == "hard"))]


def _motion(clip: Clip) -> str:
    """What moves the background."""
    if clip.background == "slides":
        return f"fps={FRAMES_PER_S},"
    if clip.background == "flow":
        return ""
    still = f"loop=loop=-1:size=1,fps={FRAMES_PER_S},"
    if clip.background == "still":
        return still
    speed = 1.1 if clip.background == "hard" else 0.45
    across, down = f"(iw-ow)/2*(1+sin(t*{speed}))", f"(ih-oh)/2*(1+cos(t*{speed * 0.7:.2f}))"
    return f"{still}crop={clip.width_px}:{clip.height_px}:x='{across}':y='{down}',"


def photo(path: Path, width: int, height: int, *, seed: int, lines: bool = False) -> Path:
    """A busy picture: soft light and dark, hard edges, fine grain; with `lines`, many that look like strokes."""
    if path.exists():
        return path
    rng = np.random.default_rng(seed)
    colours = Image.fromarray(rng.integers(40, 200, (12, 8, 3), dtype=np.uint8))
    drawn = colours.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(drawn)
    shapes = random.Random(seed)
    for _ in range(60 if lines else 25):
        x, y = shapes.randrange(width), shapes.randrange(height)
        box = (x, y, x + shapes.randrange(20, width // 3), y + shapes.randrange(20, height // 5))
        colour = (shapes.randrange(256), shapes.randrange(256), shapes.randrange(256))
        shape = draw.ellipse if shapes.random() < 0.5 else draw.rectangle
        if lines:
            shape(box, outline=colour, width=shapes.randrange(1, 9))
        else:
            shape(box, fill=colour)
    grain = rng.normal(0, 6, (height, width, 1))
    Image.fromarray(np.clip(np.asarray(drawn) + grain, 0, 255).astype(np.uint8)).save(path, compress_level=1)
    return path


def _speech(clip: Clip, folder: Path) -> list[str]:
    """Return the input options of a sound track with the clip's captions."""
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        raise SystemExit(
            "espeak-ng is missing, and this benchmark measures speech: install Debian's package espeak-ng."
        )
    spoken = folder / f"speech_{clip.duration_s}.wav"
    text = ". ".join(item.text for item in clip.items if item.style == "outline")
    subprocess.run([espeak, "-s", "140", "-w", str(spoken), text], check=True)
    return ["-i", str(spoken)]
