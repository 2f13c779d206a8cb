"""Find, download and load faster-whisper's models. Give up quickly if the hub can't be reached."""

from __future__ import annotations

import importlib.util
import logging
from functools import cache
from pathlib import Path
from typing import Any

from svp_dagster import packages

logger = logging.getLogger(__name__)

REACH_LIMIT_S = 3.0
"""Timeout of the first request. The hub client's own retries would take longer, at every start."""

_PACKAGES = ("faster_whisper", "ctranslate2", "av", "huggingface_hub")
_PUBLISHER = "Systran/faster-whisper-"
_FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]


def is_installed() -> bool:
    """Return whether the engine is here; the image leaves it out unless it is asked for."""
    return all(importlib.util.find_spec(name) for name in _PACKAGES)


@cache
def find(name: str) -> Path | None:
    """Return the folder of a model given as a folder, a size such as `base`, or a repository of the hub.

    A missing model is downloaded if the hub answers and `HF_HUB_OFFLINE` allows it. Returns None, and logs it once,
    if there is no such model, or no engine.
    """
    if not is_installed():
        logger.warning("faster-whisper's engine is not installed; a key of OpenAI or Gemini lets these hear")
        return None
    folder = Path(name).expanduser()
    if (folder / "model.bin").is_file():
        return folder
    if folder.is_absolute():
        logger.warning("no faster-whisper model in the folder %s", folder)
        return None
    found = _cached(_repository(name)) or _downloaded(_repository(name))
    if found is None:
        logger.warning("the faster-whisper model %r is not on this machine and can't be downloaded", name)
    return found


@cache
def load(folder: Path) -> Any:
    """Load the model. Imports faster-whisper only now, since that takes seconds."""
    packages.load("faster_whisper")
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)


def _repository(name: str) -> str:
    return name if "/" in name else f"{_PUBLISHER}{name}"


def _cached(repository: str) -> Path | None:
    packages.load("huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, allow_patterns=_FILES, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "model.bin").is_file() else None  # else an earlier download was cut off


def _downloaded(repository: str) -> Path | None:
    import httpx2
    from huggingface_hub import HfApi, is_offline_mode, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if is_offline_mode():
        return None
    try:
        HfApi().model_info(repository, timeout=REACH_LIMIT_S)
        logger.info("downloading the faster-whisper model %s", repository)
        return Path(snapshot_download(repository, allow_patterns=_FILES))
    except (httpx2.HTTPError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        logger.info("the hub doesn't deliver %s: %s", repository, type(error).__name__)
        return None
