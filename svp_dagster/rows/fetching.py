"""How a row gets its post: from what is kept, else from the site. An upload is in the storage."""

from __future__ import annotations

from pathlib import Path

from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.download.stage import download
from svp_dagster.models import Link, Video
from svp_dagster.ports import Downloader, Pace
from svp_dagster.rows.pauses import watched
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.rows.sources.uploads import fetch_upload
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store


def fetch_post(
    link: Link,
    *,
    store: Store,
    connection_id: str,
    rules: SiteRules,
    downloader: Downloader,
    pace: Pace,
    kept: KeptMedia,
    storage: Storage,
    folder: Path,
    known: Video | None = None,
) -> Video:
    """Return the post in `folder`. The site is asked only where the post isn't kept.

    An upload is fetched from the storage. `known` is the post without its files, where these are not needed.

    Raises `platform_paused`, `waits_turn`, `storage_failed` and the failures of the download.
    """
    if video := kept.get(link, folder=folder):
        return video
    if known is not None:
        return known
    if link.is_upload:
        upload = store.uploads.get(link.post_id or "")
        return fetch_upload(upload, storage=storage, folder=folder, max_duration_s=downloader.max_duration_s)
    with watched(store, link, connection_id=connection_id, rules=rules) as attempt:
        post = attempt.post = downloader.resolve(link, pace=pace)
        if post != link and (video := kept.get(post, folder=folder)):
            attempt.was_kept = True
            return video
        video = download(post, downloader=downloader, folder=folder, browsers=store.platforms, pace=pace)
    kept.put(video)
    return video
