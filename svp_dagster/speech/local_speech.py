"""faster-whisper's models: found on this machine or fetched, quickly given up where neither is possible."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Any

from svp_dagster import packages

logger = logging.getLogger(__name__)

REACH_LIMIT_S = 3.0
"""The hub's own attempts go on for longer, at every start."""

_PUBLISHER = "Systran/faster-whisper-"
_FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]


@cache
def find(name: str) -> Path | None:
    """The folder of a model: the folder `name` itself, or that of a size such as `base` or of a hub's repository.

    One that isn't here is fetched from the hub if that answers and `HF_HUB_OFFLINE` allows it. None if it can't be
    had; that is logged once.
    """
    folder = Path(name).expanduser()
    if (folder / "model.bin").is_file():
        return folder
    if folder.is_absolute():
        logger.warning("no faster-whisper model in the folder %s", folder)
        return None
    found = _kept(_repository(name)) or _fetched(_repository(name))
    if found is None:
        logger.warning("the faster-whisper model %r is not on this machine and can't be fetched", name)
    return found


@cache
def load(folder: Path) -> Any:
    """The model, ready to listen. faster-whisper is imported here, which takes seconds: once, late."""
    packages.load("faster_whisper")
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)


def _repository(name: str) -> str:
    return name if "/" in name else f"{_PUBLISHER}{name}"


def _kept(repository: str) -> Path | None:
    packages.load("huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, allow_patterns=_FILES, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "model.bin").is_file() else None  # else an earlier fetch was cut off


def _fetched(repository: str) -> Path | None:
    import httpx2
    from huggingface_hub import HfApi, is_offline_mode, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if is_offline_mode():
        return None
    try:
        HfApi().model_info(repository, timeout=REACH_LIMIT_S)
        logger.info("fetching the faster-whisper model %s", repository)
        return Path(snapshot_download(repository, allow_patterns=_FILES))
    except (httpx2.HTTPError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        logger.info("the hub gives no %s: %s", repository, type(error).__name__)
        return None
