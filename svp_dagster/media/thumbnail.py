"""Make small pictures for the dashboard and the Dagster UI."""

from __future__ import annotations

from pathlib import Path

MAX_INPUT_BYTES = 20_000_000
QUALITY = 80


def small_jpeg(picture: Path, *, side_px: int = 320) -> bytes | None:
    """Return a JPEG whose longer side is at most `side_px`; None for a file that is no picture or is absurdly large.

    OpenCV itself refuses pictures of more than 2³⁰ pixels before it allocates them.
    """
    import cv2
    import numpy as np

    if not picture.is_file() or not 0 < picture.stat().st_size <= MAX_INPUT_BYTES:
        return None
    try:
        image = cv2.imdecode(np.fromfile(picture, dtype=np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
        if image is None:
            return None
        scale = min(1.0, side_px / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
        encoded, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    except cv2.error:  # damaged or oversized: a page without a thumbnail is still a page
        return None
    return bytes(jpeg) if encoded else None
