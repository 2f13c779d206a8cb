"""`python -m sandbox.media.make_clips [FOLDER]`: makes the sample clips, slides and captions anew.

They are shipped in `clips/`, so nobody needs this who only wants to run the sandbox. It takes about a minute,
and speech needs espeak-ng on the path. Letters are drawn with the fonts inside OpenCV 5, sound is made here.
"""

import math
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np

Picture = np.ndarray[Any, np.dtype[np.uint8]]
Sound = np.ndarray[Any, np.dtype[np.float64]]
Colour = tuple[int, int, int]

CLIPS = Path(__file__).parent / "clips"
WIDTH_PX, HEIGHT_PX = 576, 1024
FRAMES_PER_S = 25
SAMPLES_PER_S = 22_050
GAP_S = 0.6
"""Silence between two sentences."""


@dataclass(frozen=True)
class Card:
    """Lines of text that stand on the screen between two seconds; the first one is the heading."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    font: str = "sans"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video. `speech` is said one sentence after the other; `music` plays where nothing is said."""

    name: str
    duration_s: float
    colours: tuple[Colour, Colour]
    cards: tuple[Card, ...] = ()
    speech: tuple[str, ...] = ()
    music: bool = False
    size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)
    cover: bool = True

    @property
    def silent(self) -> bool:
        """Whether the file has no sound track at all."""
        return not self.speech and not self.music


@dataclass(frozen=True, kw_only=True)
class Slide:
    """A picture of a photo post."""

    name: str
    colours: tuple[Colour, Colour]
    lines: tuple[str, ...]


PASTA_SPEECH = (
    "Today I am making tomato basil pasta for two people. It takes fifteen minutes.",
    "Boil the spaghetti in salted water for nine minutes.",
    "Meanwhile, warm the olive oil and fry the sliced garlic for one minute.",
    "Add the canned tomatoes, and let the sauce simmer for eight minutes.",
    "Stir in the basil and the pasta, and serve it hot.",
)
PASTA_SPEECH_ES = (
    "Hoy preparo pasta con tomate y albahaca para dos personas. Tarda quince minutos.",
    "Hierve los espaguetis en agua con sal durante nueve minutos.",
    "Mientras tanto, calienta el aceite de oliva y dora el ajo en láminas un minuto.",
    "Añade los tomates en lata y deja cocer la salsa ocho minutos.",
    "Incorpora la albahaca y la pasta, y sírvela caliente.",
)
PASTA_CARDS = (
    Card(0.3, 4.5, ("Tomato Basil Pasta", "15 minutes · serves 2")),
    Card(
        5.0,
        15.5,
        ("Ingredients", "200 g spaghetti", "400 g canned tomatoes", "2 cloves garlic", "3 tbsp olive oil"),
    ),
    Card(16.0, 20.5, ("Simmer 8 minutes", "1/2 tsp salt, pinch of chili")),
    Card(21.0, 26.0, ("Finish", "1 handful fresh basil")),
)
WARM, GREEN, SEA, NIGHT, SUNSET = (
    ((60, 60, 170), (40, 110, 210)),
    ((60, 110, 50), (90, 160, 120)),
    ((130, 90, 40), (190, 150, 90)),
    ((60, 25, 25), (110, 50, 60)),
    ((70, 90, 220), (140, 70, 120)),
)

ALL_CLIPS = (
    Clip(name="pasta", duration_s=26, colours=WARM, cards=PASTA_CARDS, speech=PASTA_SPEECH),
    Clip(
        name="pasta_small",
        duration_s=26,
        colours=WARM,
        cards=PASTA_CARDS,
        speech=PASTA_SPEECH,
        size_px=(360, 640),
        cover=False,
    ),
    Clip(
        name="pancakes",
        duration_s=20,
        colours=GREEN,
        speech=(
            "These banana oat pancakes need only four ingredients.",
            "Mash two ripe bananas and whisk in two eggs.",
            "Stir in eighty grams of oats and a teaspoon of cinnamon.",
            "Bake each pancake for two minutes on every side.",
        ),
        cards=(
            Card(0.3, 3.8, ("Banana Oat Pancakes", "4 ingredients")),
            Card(4.2, 14.5, ("You need", "2 ripe bananas", "2 eggs", "80 g oats", "1 tsp cinnamon")),
            Card(15.0, 20.0, ("Bake", "2 min per side, medium heat")),
        ),
    ),
    Clip(
        name="cafe",
        duration_s=16,
        colours=SEA,
        cards=(
            Card(0.0, 4.0, ("Café Lumen", "the best view in Porto")),
            Card(4.4, 8.4, ("Where", "12 Harbour Lane", "4050-253 Porto")),
            Card(8.8, 12.4, ("Opening hours", "Tue–Sun 09:00–18:00", "closed on Monday")),
            Card(12.8, 16.0, ("Try this", "orange cake, €4.50", "www.cafelumen.example")),
        ),
    ),
    Clip(
        name="ramen",
        duration_s=15,
        colours=NIGHT,
        music=True,
        cards=(
            Card(0.0, 4.6, ("星ラーメン", "新宿で一番の味噌ラーメン"), "uni"),
            Card(5.0, 9.6, ("住所", "東京都新宿区西新宿1-2-3"), "uni"),
            Card(10.0, 15.0, ("営業時間", "11:00–22:00", "水曜日定休"), "uni"),
        ),
    ),
    Clip(name="sunset", duration_s=15, colours=SUNSET, music=True),
)

ALL_SLIDES = (
    Slide(
        name="stretch_1",
        colours=GREEN,
        lines=("3 stretches for", "desk workers", "1. Neck roll", "30 seconds each side"),
    ),
    Slide(name="stretch_2", colours=SEA, lines=("2. Shoulder opener", "10 deep breaths", "hands behind back")),
    Slide(name="stretch_3", colours=WARM, lines=("3. Hip flexor lunge", "45 seconds each side")),
    Slide(
        name="reading_list",
        colours=NIGHT,
        lines=("Books for autumn", "The Salt Road", "A Winter Orchard", "Letters to Ida", "from 12.90 EUR"),
    ),
    Slide(name="porto_1", colours=SEA, lines=("Porto in one day", "09:00 Ribeira walk", "11:00 Clerigos Tower")),
    Slide(name="porto_2", colours=SUNSET, lines=("Evening", "19:30 Luis Bridge", "sunset from the top")),
)

MUSIC_S = 10
"""Length of `music.m4a`, the sound of the photo post and of the post that has nothing but sound."""


def main() -> None:
    """Writes everything into the folder that the command line names, `clips/` without one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIPS
    folder.mkdir(parents=True, exist_ok=True)
    for clip in ALL_CLIPS:
        _make_clip(clip, folder)
    for slide in ALL_SLIDES:
        picture = _background(slide.colours, (720, 900), 0.3)
        _draw(picture, Card(0, 1, slide.lines))
        _write_jpeg(folder / f"{slide.name}.jpg", picture)
    with tempfile.TemporaryDirectory() as work:
        sound = Path(work) / "music.wav"
        _write_wav(sound, _music(MUSIC_S))
        _ffmpeg("-i", sound, "-c:a", "aac", "-b:a", "32k", "-movflags", "+faststart", folder / "music.m4a")


def _make_clip(clip: Clip, folder: Path) -> None:
    width, height = clip.size_px
    video = ("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", FRAMES_PER_S, "-i", "pipe:0")
    x264 = ("-c:v", "libx264", "-preset", "veryslow", "-crf", "33", "-pix_fmt", "yuv420p", "-g", FRAMES_PER_S * 5)
    with tempfile.TemporaryDirectory() as work:
        sound: tuple[object, ...] = ()
        if not clip.silent:
            samples = _music(clip.duration_s)
            if clip.speech:
                samples, times = _speech(clip.speech, clip.duration_s, Path(work))
                if clip.name == "pasta":
                    _write_vtt(folder / "pasta.en.vtt", PASTA_SPEECH, times)
                    _write_vtt(folder / "pasta.es.vtt", PASTA_SPEECH_ES, times)
            _write_wav(Path(work) / "sound.wav", samples)
            sound = ("-i", Path(work) / "sound.wav", "-c:a", "aac", "-b:a", "32k")
        out = folder / f"{clip.name}.mp4"
        _ffmpeg(*video, *sound, *x264, "-t", clip.duration_s, "-movflags", "+faststart", out, frames=_frames(clip))
    if clip.cover:
        _write_jpeg(folder / f"{clip.name}.jpg", next(_frames(clip, start_s=1.0)))


def _frames(clip: Clip, start_s: float = 0.0) -> Iterator[Picture]:
    for number in range(int(start_s * FRAMES_PER_S), int(clip.duration_s * FRAMES_PER_S)):
        at_s = number / FRAMES_PER_S
        picture = _background(clip.colours, clip.size_px, at_s / clip.duration_s)
        for card in clip.cards:
            if card.start_s <= at_s < card.end_s:
                _draw(picture, card)
        yield picture


def _background(colours: tuple[Colour, Colour], size_px: tuple[int, int], share: float) -> Picture:
    """A vertical gradient with a bright disc that wanders as `share` goes from 0 to 1."""
    width, height = size_px
    down = np.linspace(0, 1, height)[:, None, None]
    gradient = np.array(colours[0]) * (1 - down) + np.array(colours[1]) * down
    picture: Picture = np.repeat(gradient, width, axis=1).astype(np.uint8)
    centre = (int(width * (0.3 + 0.4 * share)), int(height * (0.8 - 0.05 * math.sin(math.tau * share))))
    cv2.circle(picture, centre, width // 5, [min(255, c + 30) for c in colours[1]], -1, cv2.LINE_AA)
    return picture


def _draw(picture: Picture, card: Card) -> None:
    """Writes the card's lines in white on a dark band, as large as the width allows."""
    height, width = picture.shape[:2]
    face = cv2.FontFace(card.font)
    step = height // 12
    top = height // 6
    picture[top - step : top + step * len(card.lines)] //= 3
    for row, line in enumerate(card.lines):
        size = width // (11 if row == 0 else 14)
        while _text_width(line, face, size) > width * 0.92:
            size -= 2
        left = (width - _text_width(line, face, size)) // 2
        baseline = top + step * row
        cv2.putText(picture, line, (left, baseline), (255, 255, 255), face, size, 700 if row == 0 else 500)


def _text_width(text: str, face: Any, size: int) -> int:
    box = cv2.getTextSize((1, 1), text, (0, 0), face, size, 700)
    return int(box[2])


def _speech(sentences: tuple[str, ...], duration_s: float, work: Path) -> tuple[Sound, list[tuple[float, float]]]:
    """The sentences one after the other, and when each begins and ends."""
    samples = np.zeros(int(duration_s * SAMPLES_PER_S))
    times: list[tuple[float, float]] = []
    at_s = 0.4
    for number, sentence in enumerate(sentences):
        path = work / f"{number}.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "165", "-w", str(path), sentence], check=True)
        with wave.open(str(path)) as spoken:
            said = np.frombuffer(spoken.readframes(spoken.getnframes()), dtype=np.int16) / 32768
        first = int(at_s * SAMPLES_PER_S)
        if first + len(said) > len(samples):
            raise ValueError(f"the speech is longer than {duration_s} s")
        samples[first : first + len(said)] += said
        times.append((at_s, at_s + len(said) / SAMPLES_PER_S))
        at_s = times[-1][1] + GAP_S
    return samples, times


def _music(duration_s: float) -> Sound:
    """Four chords of sine waves over and over, two seconds each."""
    chords = ((220.0, 277.2, 329.6), (185.0, 220.0, 277.2), (146.8, 185.0, 220.0), (164.8, 207.7, 246.9))
    count = int(duration_s * SAMPLES_PER_S)
    seconds = np.arange(count) / SAMPLES_PER_S
    within = seconds % 2
    envelope = np.minimum(within / 0.05, 1) * np.exp(-within)
    number = (seconds // 2).astype(int) % len(chords)
    tones = sum(np.sin(math.tau * np.array(chords)[number, voice] * seconds) for voice in range(3))
    quiet: Sound = 0.12 * envelope * tones
    return quiet


def _write_wav(path: Path, samples: Sound) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLES_PER_S)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())


def _write_vtt(path: Path, sentences: tuple[str, ...], times: list[tuple[float, float]]) -> None:
    cues = [f"{_clock(start)} --> {_clock(end)}\n{text}" for (start, end), text in zip(times, sentences, strict=True)]
    path.write_text("WEBVTT\n\n" + "\n\n".join(cues) + "\n", encoding="utf-8")


def _clock(at_s: float) -> str:
    milliseconds = round(at_s * 1000)
    return f"00:{milliseconds // 60_000:02}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


def _write_jpeg(path: Path, picture: Picture) -> None:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 70])
    path.write_bytes(data.tobytes())


def _ffmpeg(*arguments: object, frames: Iterator[Picture] | None = None) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for picture in frames or ():
            process.stdin.write(picture.tobytes())
        process.stdin.close()
    if process.returncode != 0:
        raise RuntimeError(f"ffmpeg ended with {process.returncode}")


if __name__ == "__main__":
    main()
