"""Many rows while everything fails: `make soak`, or `python -m benchmarks.soak [--rows N] [--database URL]`.

A real installation (`benchmarks.rig`) works on the rows, while each outside service (the sites, speech, Vision,
Gemini, Notion) fails a fifth of its calls in every way that its stand-in can (`benchmarks.faults`). A few rows have
something wrong of their own: a private post, a tag without a Content Database; a few share their video with another. A
third are uploads, made by the app's API, half of them without a tag; a few are no video.
Waits are cut short, as if hours went by, so that every row comes to its end. Then the records of the stand-ins are
compared with the store's (`benchmarks.verdict` says how, and what counts), and the last line is

    rows=200 lost=0 duplicates=0 double_payments=0 wrong_reason=0

The faults are drawn by the stand-ins from a fixed seed, in the order in which calls happen to come. After
`--limit-s` it stops, and what has not ended is lost. The exit code is 0 only where nothing was found.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import sandbox.media
from benchmarks.faults import SERVICES, SHARE
from benchmarks.installation import TAG
from benchmarks.rig import Rig, rig
from benchmarks.verdict import Asked, Verdict, judge
from svp_dagster.errors import Code

CLIPS = Path(sandbox.media.__file__).parent / "clips"
ROWS = 200
LIMIT_S = 1800.0
LOOK_S = 5.0
REPORT_S = 30.0
SEED = 20261120

SHOWN = {"pancakes": 30, "cafe": 15, "pasta": 15, "stretches": 20, "books": 20}
"""Posts of which copies are made, and how often they are taken: speech, silence, captions, slides, one photo."""
FAULTY = {"private_post": Code.PRIVATE, "removed": Code.GONE, "three_hours": Code.TOO_LONG}
FAULTY_SHARE = 0.06
UNKNOWN_TAG, UNKNOWN_TAG_SHARE = "gardening", 0.02
SHARED_SHARE = 0.06
UPLOADED_SHARE = 1 / 3
UPLOADED = {"pancakes.mp4": 4, "cafe.mp4": 3, "music.m4a": 1, "porto_1.jpg": 2}
"""Files of which copies are uploaded, and how often: speech, silence with text, music, a photo."""
EMPTY_UPLOADS = {"music.m4a": Code.NOTHING_TO_READ}
"""Nobody speaks there, nothing is seen, and a file's name is no caption."""
BROKEN_SHARE = 0.1
"""Of the uploads, those whose file ends in its middle."""
FIRST_UPLOAD = 100_001
"""The numbers of uploads, so that none is a copied post's."""


def main(arguments: Sequence[str]) -> int:
    """Run it; 0 where nothing was found."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="svp-soak-") as scratch:
        folder = options.keep or Path(scratch)
        with rig(folder, database_url=options.database) as made:
            verdict = soak(made, rows=options.rows, share=options.share, limit_s=options.limit_s)
    for line in (*verdict.findings, *verdict.figures):
        print(line)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    print(f"{time.monotonic() - began:.0f} s, {cpu_s:.0f} CPU-seconds, {cpu_s / options.rows:.1f} a row")
    print(verdict.line)
    return 0 if verdict.is_good else 1


def soak(made: Rig, *, rows: int, share: float, limit_s: float) -> Verdict:
    """Add the rows, let everything fail, add the uploads, wait for all ends, compare."""
    uploads = round(rows * UPLOADED_SHARE)
    asked = add_rows(made, rows - uploads)
    for service in SERVICES:
        for fault in service.faults(share=share):
            getattr(made.outside, service.stand_in).steer("faults", **fault)
    asked |= add_uploads(made, uploads)
    _wait_for_ends(made, list(asked), limit_s=limit_s)
    return judge(made, asked)


def add_rows(made: Rig, count: int) -> dict[str, Asked]:
    """Rows of all kinds, in an order that is the same each time."""
    draw = random.Random(SEED)
    faulty, unknown, shared = (max(1, round(count * part)) for part in (FAULTY_SHARE, UNKNOWN_TAG_SHARE, SHARED_SHARE))
    names = draw.choices(list(SHOWN), weights=list(SHOWN.values()), k=count - faulty - unknown - shared)
    names += [list(FAULTY)[number % len(FAULTY)] for number in range(faulty)]
    good = [Asked(link=_copy(made, name), number=n, must_fail=FAULTY.get(name)) for n, name in enumerate(names, 1)]
    untold = [replace(asked, must_fail=Code.UNKNOWN_TAG) for asked in good[:unknown]]
    rows = [(asked, TAG) for asked in (*good, *good[:shared])] + [(asked, UNKNOWN_TAG) for asked in untold]
    draw.shuffle(rows)
    return {made.add_row(asked.link, tag=tag): asked for asked, tag in rows}


def add_uploads(made: Rig, count: int) -> dict[str, Asked]:
    """Upload files of all kinds, no two of which are equal."""
    draw = random.Random(SEED)
    names = draw.choices(list(UPLOADED), weights=list(UPLOADED.values()), k=count)
    broken = max(1, round(count * BROKEN_SHARE)) if count else 0
    asked: dict[str, Asked] = {}
    for place, name in enumerate(names):
        number, is_broken = FIRST_UPLOAD + place, place < broken
        content = unique_file("pancakes.mp4" if is_broken else name, number)
        title = f"Saved No. {number}{'.mp4' if is_broken else Path(name).suffix}"
        tag = TAG if place % 2 else ""
        page_id = made.upload(title, content[: len(content) // 2] if is_broken else content, tag=tag)
        must_fail = Code.MEDIA_TRUNCATED if is_broken else EMPTY_UPLOADS.get(name)
        asked[page_id] = Asked(link=title, number=number, must_fail=must_fail, has_row=False, has_page=bool(tag))
    return asked


def unique_file(name: str, number: int) -> bytes:
    """Return a file of the stand-ins with something at its end that players skip, so that no two are equal."""
    mark = str(number).encode()
    content = (CLIPS / name).read_bytes()
    is_mp4 = name.endswith((".mp4", ".m4a"))
    return content + (struct.pack(">I4s", 8 + len(mark), b"free") + mark if is_mp4 else mark)


def _copy(made: Rig, name: str) -> str:
    """The link of another copy of a post; copies are numbered from 1 in the order in which they are made."""
    (link,) = made.outside.media.steer("copies", post=name, count=1)["links"]
    return str(link)


def _wait_for_ends(made: Rig, page_ids: Sequence[str], *, limit_s: float) -> None:
    began = reported = time.monotonic()
    while time.monotonic() - began < limit_s:
        entries = made.entries(page_ids).values()
        if len(entries) == len(page_ids) and all(entry.status.is_final and not entry.is_unsynced for entry in entries):
            return
        if time.monotonic() - reported > REPORT_S:
            reported = time.monotonic()
            _report(reported - began, (str(entry.status) for entry in entries))
        made.let_time_pass()
        time.sleep(LOOK_S)


def _report(seconds: float, statuses: Iterable[str]) -> None:
    counted = ", ".join(f"{count} {status}" for status, count in sorted(Counter(statuses).items()))
    print(f"{seconds:6.0f} s: {counted}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Many rows while everything fails.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--share", type=float, default=SHARE, help="of each service's calls that fail")
    parser.add_argument("--limit-s", type=float, default=LIMIT_S)
    parser.add_argument("--database", default=os.environ.get("SOAK_DATABASE_URL"), help="an empty PostgreSQL database")
    parser.add_argument("--keep", type=Path, help="a folder for logs and databases, instead of a temporary one")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
