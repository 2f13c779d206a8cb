"""Posts that were downloaded are kept for a day: complete, or not at all."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.kept_media import KeptMedia, media_key
from svp_dagster.download.stage import download
from svp_dagster.models import Link, Video
from svp_dagster.storage.storage import Storage
from tests.download.downloads import link

pytest_plugins = ("tests.media_site",)

POST = Link(url="https://www.instagram.com/reel/DOmade00001/", platform="instagram", post_id="DOmade00001")


@pytest.fixture
def kept(tmp_path: Path) -> KeptMedia:
    return keeping(tmp_path)


def keeping(tmp_path: Path, **options: Any) -> KeptMedia:
    return KeptMedia(storage=Storage(address=str(tmp_path / "files")), **options)


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
    root = Path(kept.storage.address, "media")
    return sorted(root.iterdir()) if root.is_dir() else []


def age(place: Path, seconds: float) -> None:
    """Let a post have been kept so long ago."""
    manifest = json.loads((place / "video.json").read_text())
    kept_at = datetime.fromisoformat(manifest["kept_at"]) - timedelta(seconds=seconds)
    (place / "video.json").write_text(json.dumps(manifest | {"kept_at": kept_at.isoformat()}))
    for path in place.iterdir():
        os.utime(path, (kept_at.timestamp(), kept_at.timestamp()))


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
    assert place.name.isalnum()
    for folder in (place, place.parent, place.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}


def test_a_post_is_kept_for_its_hours_and_no_longer(kept: KeptMedia, tmp_path: Path) -> None:
    kept.put(made(tmp_path / "a"))
    (place,) = places(kept)
    assert kept.prune() == 0
    age(place, 25 * 3600)

    assert kept.get(POST, folder=tmp_path / "b") is None
    assert kept.prune() == 1
    assert places(kept) == []


def test_what_was_never_finished_is_removed_with_its_day(kept: KeptMedia, tmp_path: Path) -> None:
    kept.put(made(tmp_path / "a"))
    (place,) = places(kept)
    age(place, 25 * 3600)
    (place / "video.json").unlink()

    assert kept.get(POST, folder=tmp_path / "b") is None
    assert kept.prune() == 1


def test_posts_that_no_row_has_are_removed_and_one_that_is_being_kept_is_left(kept: KeptMedia, tmp_path: Path) -> None:
    for post_id in ("one", "two"):
        kept.put(made(tmp_path / post_id, post_id))
    kept.storage.put_bytes("media/unfinished/media.mp4", b"moving")

    assert kept.keep_only(lambda: {"instagram:two", "instagram:three"}) == 1

    assert [kept.lookup()(of(post_id)) for post_id in ("one", "two")] == [False, True]
    assert kept.storage.size("media/unfinished/media.mp4") == 6


def test_the_oldest_make_room_and_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    small = keeping(tmp_path, max_bytes=2000)
    for post_id in ("one", "two", "three"):
        small.put(made(tmp_path / post_id, post_id, content=b"x" * 500))
        for place in places(small):
            age(place, 100)
    small.put(made(tmp_path / "huge", "huge", content=b"x" * 3000))

    is_kept = small.lookup()
    assert [is_kept(of(post_id)) for post_id in ("one", "two", "three", "huge")] == [False, True, True, False]


def test_with_no_hours_nothing_is_kept(tmp_path: Path) -> None:
    off = keeping(tmp_path, hours=0)
    off.put(made(tmp_path / "a"))
    assert not Path(off.storage.address).exists()
    assert off.get(POST, folder=tmp_path / "b") is None
    assert off.prune() == 0


def test_a_storage_that_fails_costs_the_keeping_alone(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file")
    kept = keeping(tmp_path)
    kept.put(made(tmp_path / "a"))
    assert kept.get(POST, folder=tmp_path / "b") is None
    assert not kept.lookup()(POST)
