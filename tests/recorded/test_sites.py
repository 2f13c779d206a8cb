"""Answers of the sites in the shapes that were recorded, fed to the downloader over a real socket.

The bodies in `sites/` are of our own making. `data` is what TikTok's page holds in its script, `body` a whole answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from tests.download.downloads import link, refusal

pytest_plugins = ("tests.media_site",)

FOLDER = Path(__file__).parent / "sites"


@pytest.fixture
def downloader(site: MediaSandbox) -> YtDlpDownloader:
    return YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)


def recorded(name: str) -> pytest.MarkDecorator:
    """Parametrize a test with the records of a file."""
    records = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return pytest.mark.parametrize("record", records, ids=[record["name"] for record in records])


def answer_with(site: MediaSandbox, record: dict[str, Any]) -> None:
    """Let TikTok's page of any post be the recorded one."""
    data = json.dumps({"__DEFAULT_SCOPE__": record.get("data")})
    script = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{data}</script>'
    body = record.get("body", f"<!doctype html><html><body>{script}</body></html>")
    headers = {"Content-Type": "text/html; charset=utf-8", **record.get("headers", {})}
    site.faults.add(Fault(path="/www.tiktok.com/@", status=record["status"], headers=headers, body=body, times=None))


@recorded("tiktok_refusals.json")
def test_what_tiktok_answers_in_the_place_of_a_post_has_its_code_and_sentence(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, record: dict[str, Any]
) -> None:
    answer_with(site, record)

    failed = refusal(downloader, link("pasta"), tmp_path)

    assert (failed.code, failed.retry) == (record["code"], record["retry"])
    assert failed.sentence.startswith(record["sentence"])


@recorded("tiktok_posts.json")
def test_a_post_of_tiktoks_is_read_in_each_shape(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, record: dict[str, Any]
) -> None:
    answer_with(site, record)

    video = downloader.fetch(link("pasta"), folder=tmp_path)

    found = video.model_dump(mode="json", include={"description", "published_at", "uploader"})
    assert found | {"slides": len(video.slides)} == record["video"]
