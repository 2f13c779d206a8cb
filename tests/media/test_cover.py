from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from svp_dagster.media.cover import SHORT_SIDE_PX, cover
from svp_dagster.models import MediaFile, Video
from tests.media import making


def of(**fields: object) -> Video:
    return making.probed(
        Video.model_validate({"media_key": "k:1", "url": "https://www.tiktok.com/@a/video/1", **fields})
    )


def test_the_platforms_thumbnail_comes_first_then_the_first_slide(tmp_path: Path) -> None:
    slides = (making.CLIPS / "porto_1.jpg", making.CLIPS / "porto_2.jpg")
    thumbnail = making.CLIPS / "cafe.jpg"

    assert cover(of(cover_path=thumbnail, slides=slides), tmp_path) == thumbnail
    assert cover(of(slides=slides), tmp_path) == slides[0]
    assert cover(of(), tmp_path) is None


def test_a_carousel_that_begins_with_a_clip_is_shown_by_a_frame_of_it(tmp_path: Path) -> None:
    made = cover(of(slides=(making.CLIPS / "cafe.mp4", making.CLIPS / "porto_2.jpg")), tmp_path)

    assert made == tmp_path / "cover.jpg"


def test_a_video_that_begins_black_is_shown_by_what_it_shows(tmp_path: Path) -> None:
    black, shown = np.zeros((640, 360, 3), np.uint8), making.picture("Soup")
    path = making.video(tmp_path / "v.mp4", lambda at_s: black if at_s < 1 else shown, duration_s=4)

    made = cover(of(video_path=path), tmp_path)

    assert made is not None
    picture = cv2.imread(str(made))
    assert picture is not None
    assert picture.shape[:2] == (640, 360)
    assert picture.mean() > 50


def test_a_large_frame_is_made_smaller(tmp_path: Path) -> None:
    path = making.plain_video(tmp_path / "v.mp4", duration_s=0.4, size="1080x1920")

    made = cover(of(video_path=path), tmp_path)

    assert made is not None
    picture = cv2.imread(str(made))
    assert picture is not None
    assert min(picture.shape[:2]) == SHORT_SIDE_PX


def test_a_file_that_is_no_video_gives_none(tmp_path: Path) -> None:
    path = making.plain_video(tmp_path / "v.mp4", duration_s=0.4)
    video = of(video_path=path)
    path.write_bytes(b"<html>not a video</html>")

    assert cover(video, tmp_path) is None


def test_a_file_without_a_picture_size_gives_none(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    file = MediaFile(path=path, duration_s=1, readable_s=1, has_video=True, has_audio=False)
    video = Video(media_key="k:1", url="https://www.tiktok.com/@a/video/1", video_path=path, files=(file,))

    assert cover(video, tmp_path) is None
