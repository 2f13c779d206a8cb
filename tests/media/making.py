"""Makes small media files for the tests: pictures drawn by Pillow, encoded by the ffmpeg that the product uses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from svp_dagster.media.probe import probe
from svp_dagster.models import Video

CLIPS = Path(__file__).parents[2] / "sandbox/media/clips"
"""The sample posts' files: among them the recorded speech that no test can make."""

PICTURES = (".jpg", ".png")
HDR = ("-vf", "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc")
"""Options that mark a video's brightness as coded for 10,000 nits."""

Picture = Any


def ffmpeg(*arguments: str, stdin: bytes = b"") -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-hide_banner", "-loglevel", "error", *arguments]
    subprocess.run(command, check=True, input=stdin)


def picture(
    *texts: str, size: tuple[int, int] = (360, 640), seed: int = 0, height_px: int = 34, grain: float = 12
) -> Picture:
    """Texts, one below the other, on a background of soft blobs; height × width × 3, blue-green-red."""
    width, height = size
    random = np.random.default_rng(seed)
    soft = Image.fromarray(random.integers(60, 160, (7, 5, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noisy = np.clip(np.asarray(soft) + random.normal(0, grain, (height, width, 1)), 0, 255).astype(np.uint8)
    drawn = Image.fromarray(noisy)
    font = ImageFont.load_default(size=height_px)
    for number, text in enumerate(texts):
        place = (20, 60 + number * 2 * height_px)
        ImageDraw.Draw(drawn).text(place, text, font=font, fill="white", stroke_width=3, stroke_fill="black")
    return np.ascontiguousarray(np.asarray(drawn)[:, :, ::-1])


def video(
    path: Path,
    shown: Callable[[float], Picture],
    *,
    duration_s: float,
    frames_per_s: int = 5,
    options: Sequence[str] = (),
    sound: str = "",
) -> Path:
    """A video of what `shown` gives for each second; `sound` is a source of ffmpeg's, `options` come last."""
    pictures = [shown(number / frames_per_s) for number in range(round(duration_s * frames_per_s))]
    height, width = pictures[0].shape[:2]
    heard = ("-f", "lavfi", "-t", str(duration_s), "-i", sound, "-c:a", "aac") if sound else ()
    ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(frames_per_s), "-i", "pipe:0",
        *heard, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *options, str(path),
        stdin=b"".join(map(bytes, pictures)),
    )  # fmt: skip
    return path


def plain_video(path: Path, *options: str, duration_s: float = 4, size: str = "320x568", sound: bool = True) -> Path:
    """A video of ffmpeg's test picture, with a tone."""
    heard = ("-f", "lavfi", "-i", f"sine=duration={duration_s}", "-c:a", "aac") if sound else ()
    ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=15:duration={duration_s}", *heard,
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *options, str(path),
    )  # fmt: skip
    return path


def probed(post: Video) -> Video:
    """The post with the facts of its files, as the download stage hands it on."""
    paths = [path for path in (post.video_path, post.audio_path, *post.slides) if path and path.suffix not in PICTURES]
    return post.model_copy(update={"files": tuple(probe(path) for path in paths)})


def immersive_sound(path: Path) -> Path:
    """A video with a tone as IAMF, which ffmpeg describes as a group of streams."""
    element = "type=iamf_audio_element:id=1:st=0:audio_element_type=channel,layer=ch_layout=stereo"
    mix = (
        "type=iamf_mix_presentation:id=2:stg=0,submix=parameter_id=100:parameter_rate=48000:default_mix_gain=0.0"
        "|element=stg=0:parameter_id=100:headphones_rendering_mode=stereo"
        "|layout=layout_type=loudspeakers:sound_system=stereo:integrated_loudness=0.0:digital_peak=0.0"
    )
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=320x568:rate=15:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
        "-filter_complex", "[1:a]aformat=channel_layouts=stereo[tone]", "-map", "[tone]", "-map", "0:v",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "libopus",
        "-stream_group", element, "-stream_group", mix, "-streamid", "0:0", str(path),
    )  # fmt: skip
    return path


def sound(path: Path, source: str) -> Path:
    """A sound file of one of ffmpeg's sources."""
    ffmpeg("-f", "lavfi", "-i", source, str(path))
    return path
