"""Links of the stand-in, and refusals."""

from pathlib import Path

import pytest

from sandbox.media.posts import SHORT_LINKS, post
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.links import parse_link
from svp_dagster.errors import SvpError
from svp_dagster.models import Link

A_SHORT_LINK = parse_link(next(iter(SHORT_LINKS)))


def link(name: str) -> Link:
    return parse_link(post(name).link)


def refusal(downloader: YtDlpDownloader, link: Link, folder: Path) -> SvpError:
    with pytest.raises(SvpError) as caught:
        downloader.fetch(link, folder=folder)
    return caught.value
