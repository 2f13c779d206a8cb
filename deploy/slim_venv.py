"""Remove from a virtual environment what no program of the image loads, and print what that was: slim_venv.py VENV

With `--local-speech` faster-whisper's engine stays. Without it, speech is heard by OpenAI or Gemini, where a platform
has no captions. `strip` (of binutils) has to be there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

LOCAL_SPEECH = "faster-whisper's engine"
LEFT_OUT = {
    # faster_whisper itself stays: it brings the model of the voice gate.
    LOCAL_SPEECH: [
        f"{name}{rest}"
        for name in ("ctranslate2", "av", "tokenizers", "huggingface_hub", "hf_xet")
        for rest in ("", ".libs", "-*.dist-info")
    ],
    "pip and setuptools": ["pip", "pip-*.dist-info", "setuptools", "setuptools-*.dist-info", "_distutils_hack"],
    "the asyncio half of Kubernetes' client": ["kubernetes/aio"],
    "the browser's source maps": ["dagster_webserver/webapp/build/**/*.map"],
    "tools of onnxruntime": [f"onnxruntime/{name}" for name in ("transformers", "tools", "quantization", "datasets")],
    "tests of packages": ["**/tests", "Cryptodome/SelfTest", "sqlalchemy/testing", "alembic/testing"],
    "previews of Google's clients": ["google/cloud/*_v*beta*"],
    "C headers and sources": [f"**/*.{suffix}" for suffix in ("c", "h", "hpp", "pxd", "pyx", "a")],
}
AMAZONS = "Amazon's services but S3"
AMAZONS_KEPT = frozenset({"s3", "sts", "sso", "sso-oidc", "signin"})
"""S3, and the services that give credentials for it (`botocore/credentials.py`)."""
EXTENSIONS = ["**/*.abi3.so", "**/*.cpython-*.so"]
"""Python's extension modules, some of which come with symbols for debuggers. The libraries that they bring (`*.libs`)
were patched when the wheel was made, and could break."""


def remove(folder: Path, patterns: Iterable[str]) -> int:
    """Remove what matches in a folder. Return the bytes that it took."""
    taken = 0
    for path in [found for pattern in patterns for found in folder.glob(pattern)]:
        taken += size(path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return taken


def remove_services(folder: Path, *, kept: frozenset[str]) -> int:
    """Remove botocore's descriptions of services but for those that are kept. Return the bytes that they took."""
    services = [path.name for path in (folder / "botocore" / "data").glob("*/")]
    return remove(folder, [f"botocore/data/{name}" for name in services if name not in kept])


def strip(folder: Path) -> int:
    """Strip extension modules. Return the bytes that they are smaller by."""
    saved = 0
    for path in [found for pattern in EXTENSIONS for found in folder.glob(pattern)]:
        before = size(path)
        subprocess.run(["strip", "--strip-unneeded", path], check=True, timeout=60)
        saved += before - size(path)
    return saved


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


def main() -> None:
    """Slim the environment that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=Path)
    parser.add_argument("--local-speech", action="store_true")
    asked = parser.parse_args()
    (packages,) = asked.venv.glob("lib/python3.*/site-packages")
    before = size(packages)
    for what, patterns in LEFT_OUT.items():
        if not (asked.local_speech and what == LOCAL_SPEECH):
            print(f"{remove(packages, patterns) / 1e6:7.1f} MB  {what}")  # noqa: T201
    print(f"{remove_services(packages, kept=AMAZONS_KEPT) / 1e6:7.1f} MB  {AMAZONS}")  # noqa: T201
    print(f"{strip(packages) / 1e6:7.1f} MB  symbols of debuggers")  # noqa: T201
    (packages / "distutils-precedence.pth").unlink(missing_ok=True)  # it imports setuptools at each start
    print(f"{before / 1e6:7.1f} MB before, {size(packages) / 1e6:.1f} MB now")  # noqa: T201


if __name__ == "__main__":
    main()
