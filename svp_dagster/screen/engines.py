"""The engines that read pictures: Google Vision, and RapidOCR on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from svp_dagster.errors import SvpError
from svp_dagster.models import PaidCall, Word
from svp_dagster.packages import load
from svp_dagster.ports import Meter
from svp_dagster.prices import load_prices
from svp_dagster.screen import vision

PAID_TILES = 30
"""6 × 5 frames: all the words of a 60 s clip are found on one such picture, as on two of 15 frames."""

LOCAL_TILES = 4
"""Pictures cost nothing here: from one frame a picture to six the time is the same, but memory grows with them."""

SEARCH_SIDE_PX = 1792
"""Text is searched for in a picture shrunk to this side, and read in full size. Four frames are shrunk to nine tenths:
a seventh of the time is saved, and nothing missed (of 960 lines of 26 to 44 px on 1080 × 1920, none; three in full
size). At eight tenths now and then a line of small print is."""

MAX_SIDE_PX = 6000
"""RapidOCR shrinks larger pictures before it reads; a contact sheet must not be."""

MAX_CANDIDATES = 5000
"""RapidOCR looks at 1,000 places at most, too few for a sheet of frames with a busy background."""

_one_at_a_time = Lock()


class VisionReader(dg.ConfigurableResource):
    """Google Cloud Vision, paid by the picture, with an API key or a service account."""

    api_key: str = Field(default="", repr=False, description="Key of the Vision API.")
    credentials_file: str = Field(default="", description="Key file of a service account, used without an API key.")
    endpoint: str = Field(default="", description="Another address of the API, scheme included.")
    timeout_s: float = Field(default=30.0, gt=0, description="Time limit of one call.")
    tiles: int = Field(default=PAID_TILES, ge=1, description="Frames in one paid picture.")
    prices_file: str = Field(default="", description="JSON file that overrides the price table.")

    _client: Any = PrivateAttr(default=None)

    @property
    def source(self) -> str:
        """Who reads."""
        return vision.SERVICE

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"vision 1 {vision.FEATURE}"

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:
        """The words of each picture, in requests of at most 16; None for one that could not be read (in time).

        A picture that fails alone is sent once more. Raises, if nothing could be read, `key_rejected`,
        `quota_exhausted`, `service_unreachable`, `screen_failed`, `misconfigured`, or what the meter raises.
        """
        ends = time.monotonic() + limit_s
        read: dict[Path, list[Word]] = {}
        problem = self._read_into(read, pictures, meter=meter, ends=ends)
        if problem is not None and vision.may_pass(problem):
            left = [picture for picture in pictures if picture not in read]
            problem = self._read_into(read, left, meter=meter, ends=ends) or problem
        if problem is not None and not read:
            raise problem
        return [read.get(picture) for picture in pictures]

    def _read_into(
        self, read: dict[Path, list[Word]], pictures: Sequence[Path], *, meter: Meter, ends: float
    ) -> SvpError | None:
        """Add what is read to `read`; the last thing that went wrong. Raises it if nothing else was read yet."""
        problem: SvpError | None = None
        for batch in vision.batches(pictures):
            left_s = ends - time.monotonic()
            if left_s <= 0:
                break
            try:
                meter.require_budget()
                answers = vision.annotate(self._opened(), batch, timeout_s=self.timeout_s, limit_s=left_s)
            except SvpError as error:
                if not read:
                    raise
                return error
            found = {picture: words for picture, words in zip(batch, answers, strict=True) if isinstance(words, list)}
            read.update(found)
            self._record(meter, len(found))
            problem = next((answer for answer in answers if isinstance(answer, SvpError)), problem)
        return problem

    def _record(self, meter: Meter, images: int) -> None:
        if images:
            cost_usd = load_prices(Path(self.prices_file) if self.prices_file else None).of_images(
                vision.FEATURE, count=images
            )
            meter.record(
                PaidCall(service="screen", model=vision.FEATURE, units=images, unit="images", cost_usd=cost_usd)
            )

    def _opened(self) -> Any:
        if self._client is None:
            self._client = vision.open_client(
                api_key=self.api_key, credentials_file=self.credentials_file, endpoint=self.endpoint
            )
        return self._client


class LocalReader(dg.ConfigurableResource):
    """RapidOCR with the models that come in its wheel. Costs nothing but time; gives lines instead of words."""

    tiles: int = Field(default=LOCAL_TILES, ge=1, description="Frames in one picture.")

    @property
    def source(self) -> str:
        """Who reads."""
        return "RapidOCR"

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"rapidocr 3 search={SEARCH_SIDE_PX}"

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:  # noqa: ARG002 (nothing is paid)
        """The lines of each picture; None for those whose turn comes after `limit_s`."""
        ends = time.monotonic() + limit_s
        return [_lines(picture) if time.monotonic() < ends else None for picture in pictures]


def _lines(picture: Path) -> list[Word]:
    with _one_at_a_time:
        result = _rapidocr()(str(picture))
    if result.boxes is None or result.txts is None:
        return []
    return [
        Word(
            text=text,
            left=float(box[:, 0].min()),
            top=float(box[:, 1].min()),
            right=float(box[:, 0].max()),
            bottom=float(box[:, 1].max()),
        )
        for box, text in zip(result.boxes, result.txts, strict=True)
    ]


@cache
def _rapidocr() -> Any:
    """The engine: loaded once, when the first picture comes (1.3 s, 0.4 GB)."""
    load("rapidocr")
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.use_cls": False,  # upright text only: the frames are upright
            "Global.max_side_len": MAX_SIDE_PX,
            "Global.log_level": "error",
            "Det.limit_type": "max",
            "Det.limit_side_len": SEARCH_SIDE_PX,
            "Det.max_candidates": MAX_CANDIDATES,
        }
    )
