"""Make small pictures for the dashboard and the Dagster UI."""

from __future__ import annotations

from pathlib import Path

from svp_dagster.errors import SvpError
from svp_dagster.media.pictures import open_picture

QUALITY = 80


def small_jpeg(picture: Path, *, side_px: int = 320) -> bytes | None:
    """Return a JPEG whose longer side is at most `side_px`; None for a file that can't be opened as a picture."""
    import cv2

    try:
        image = open_picture(picture, short_side_px=side_px)
    except SvpError:  # damaged or oversized: a page without a thumbnail is still a page
        return None
    scale = min(1.0, side_px / max(image.shape[:2]))
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    encoded, jpeg = cv2.imencode(
        ".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return bytes(jpeg) if encoded else None
