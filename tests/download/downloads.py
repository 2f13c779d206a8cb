"""Links of the stand-in, and refusals."""

from pathlib import Path

import pytest

from sandbox.media.posts import SHORT_LINKS, post
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.errors import SvpError

A_SHORT_LINK = next(iter(SHORT_LINKS))


def link(name: str) -> str:
    return post(name).link


def refusal(downloader: YtDlpDownloader, url: str, folder: Path) -> SvpError:
    with pytest.raises(SvpError) as caught:
        downloader.fetch(url, folder=folder)
    return caught.value
