"""Posts that were downloaded are kept for a day: complete, or not at all."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.kept_media import KeptMedia, media_key
from svp_dagster.download.stage import download
from svp_dagster.models import Link, Video
from tests.download.downloads import link

pytest_plugins = ("tests.media_site",)

POST = Link(url="https://www.instagram.com/reel/DOmade00001/", platform="instagram", post_id="DOmade00001")


@pytest.fixture
def kept(tmp_path: Path) -> KeptMedia:
    return KeptMedia(folder=str(tmp_path / "media"))


def made(folder: Path, post_id: str = "DOmade00001", *, content: bytes = b"moving pictures") -> Video:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "media.mp4").write_bytes(content)
    (folder / "cover.jpg").write_bytes(b"a picture")
    return Video(
        media_key=f"instagram:{post_id}",
        url=POST.url,
        title="Pancakes",
        video_path=folder / "media.mp4",
        cover_path=folder / "cover.jpg",
    )


def of(post_id: str) -> Link:
    return POST.model_copy(update={"post_id": post_id})


def places(kept: KeptMedia) -> list[Path]:
    return sorted(Path(kept.folder).iterdir())


@pytest.mark.parametrize("name", ["pasta", "pancakes", "stretches", "porto_day"])
def test_a_kept_post_is_the_one_that_was_downloaded(
    site: MediaSandbox, kept: KeptMedia, tmp_path: Path, name: str
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    video = download(link(name), downloader=YtDlpDownloader(proxy=site.proxy_url), folder=first)
    assert video.media_key == media_key(link(name))
    kept.put(video)
    site.recorder.clear()

    again = kept.get(link(name), folder=second)

    assert again is not None
    assert again.model_dump_json().replace(str(second), str(first)) == video.model_dump_json()
    for path in second.iterdir():
        assert path.read_bytes() == (first / path.name).read_bytes()
    assert site.requests == []


def test_what_a_run_does_to_its_files_does_not_change_what_is_kept(kept: KeptMedia, tmp_path: Path) -> None:
    kept.put(made(tmp_path / "a"))
    (tmp_path / "a" / "media.mp4").write_bytes(b"overwritten")
    first = kept.get(POST, folder=tmp_path / "b")
    (tmp_path / "b" / "media.mp4").write_bytes(b"overwritten")

    second = kept.get(POST, folder=tmp_path / "c")

    assert first is not None
    assert second is not None
    assert (tmp_path / "c" / "media.mp4").read_bytes() == b"moving pictures"


@pytest.mark.parametrize("damage", ["missing", "shorter", "changed", "manifest", "no manifest"])
def test_a_damaged_post_is_as_one_that_was_never_kept(kept: KeptMedia, tmp_path: Path, damage: str) -> None:
    kept.put(made(tmp_path / "a"))
    (place,) = places(kept)
    file = place / "media.mp4"
    damages: dict[str, Callable[[], object]] = {
        "missing": file.unlink,
        "shorter": lambda: file.write_bytes(b"moving"),
        "changed": lambda: file.write_bytes(b"MOVING pictures"),
        "manifest": lambda: (place / "video.json").write_text("{"),
        "no manifest": (place / "video.json").unlink,
    }
    damages[damage]()

    assert kept.get(POST, folder=tmp_path / "b") is None
    kept.put(made(tmp_path / "c"))
    assert kept.get(POST, folder=tmp_path / "d") is not None


def test_names_and_rights_tell_others_nothing(kept: KeptMedia, tmp_path: Path) -> None:
    kept.put(made(tmp_path / "a", "../../etc/passwd"))
    (place,) = places(kept)
    assert place.parent == Path(kept.folder)
    assert place.name.isalnum()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(kept.folder).stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in place.glob("*.*") if path.suffix != ".json"} == {0}


def test_a_post_is_kept_for_its_hours_and_no_longer(kept: KeptMedia, tmp_path: Path) -> None:
    kept.put(made(tmp_path / "a"))
    (place,) = places(kept)
    assert kept.prune() == 0
    a_day_ago = time.time() - 25 * 3600
    os.utime(place, (a_day_ago, a_day_ago))

    assert kept.get(POST, folder=tmp_path / "b") is None
    assert kept.prune() == 1
    assert places(kept) == []


def test_posts_that_no_row_has_are_removed_and_one_that_is_being_kept_is_left(kept: KeptMedia, tmp_path: Path) -> None:
    for post_id in ("one", "two"):
        kept.put(made(tmp_path / post_id, post_id))
    (Path(kept.folder) / "new-unfinished").mkdir()

    assert kept.keep_only({"instagram:two", "instagram:three"}) == 1

    assert [kept.holds(of(post_id)) for post_id in ("one", "two")] == [False, True]
    assert (Path(kept.folder) / "new-unfinished").is_dir()


def test_the_oldest_make_room_and_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    small = KeptMedia(folder=str(tmp_path / "media"), max_bytes=2000)
    for post_id in ("one", "two", "three"):
        small.put(made(tmp_path / post_id, post_id, content=b"x" * 500))
        for place in places(small):
            os.utime(place, (place.stat().st_atime, place.stat().st_mtime - 100))
    small.put(made(tmp_path / "huge", "huge", content=b"x" * 3000))

    assert [small.holds(of(post_id)) for post_id in ("one", "two", "three", "huge")] == [False, True, True, False]


def test_with_no_hours_nothing_is_kept(tmp_path: Path) -> None:
    off = KeptMedia(folder=str(tmp_path / "media"), hours=0)
    off.put(made(tmp_path / "a"))
    assert not (tmp_path / "media").exists()
    assert off.get(POST, folder=tmp_path / "b") is None
    assert off.prune() == 0


def test_a_folder_that_can_not_be_written_costs_the_keeping_alone(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file")
    kept = KeptMedia(folder=str(tmp_path / "media"))
    kept.put(made(tmp_path / "a"))
    assert kept.get(POST, folder=tmp_path / "b") is None
