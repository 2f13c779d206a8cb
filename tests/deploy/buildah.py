"""An image made of the Dockerfile, and programs in it, where neither a registry nor an engine is: by buildah, as root.

The base is made by debootstrap, since the Dockerfile's own lies in a registry. Like Docker's slim images it comes
without documentation and languages, and keeps nothing that apt fetched. pip asks the same index as on this machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from svp_dagster.commands.processes import PROJECT

SUITE = "bookworm"
PACKAGES = "ca-certificates,python-is-python3,python3,python3-venv"
TOOLS = ("buildah", "debootstrap", "unshare", "chroot")
BUILD_LIMIT_S = 2400
USER = 1000
PIP_SETTINGS = ("index-url", "trusted-host", "cert")

_LIKE_DOCKERS = {
    "etc/apt/apt.conf.d/docker-clean": 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n',
    "etc/dpkg/dpkg.cfg.d/docker": "".join(
        f"path-exclude /usr/share/{name}/*\n" for name in ("doc", "info", "locale", "man")
    ),
}

# What an engine does: mounts and processes of its own, a root that can't be written to, a user who isn't root.
_ENTER = """
set -eu
root=$1 data=$2
shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind /etc/hosts "$root/etc/hosts"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
exec chroot --userspec={user}:{user} "$root" "$@"
"""


@dataclass(frozen=True)
class Image:
    """A built image: its file system, mounted at `root`, and its configuration (`Env`, `Cmd`, `Healthcheck` …)."""

    root: Path
    config: dict[str, Any]

    @property
    def size_bytes(self) -> int:
        """All its files, each counted once."""
        found = {
            (status.st_dev, status.st_ino): status.st_size
            for path in self.root.rglob("*")
            if not stat.S_ISDIR((status := path.lstat()).st_mode)
        }
        return sum(found.values())

    def start(self, *command: str, data: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command as `docker run --read-only --tmpfs /tmp` does, with a folder as the volume /data."""
        variables = dict(pair.split("=", 1) for pair in self.config["Env"]) | dict(environment or {})
        told = [f"{name}={value}" for name, value in variables.items()]
        entered = [*self.config["Entrypoint"], *(command or self.config["Cmd"])]
        return subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
                *("sh", "-c", _ENTER.format(user=USER), "enter", str(self.root), str(data)),
                *("env", "-i", f"--chdir={self.config['WorkingDir']}", *told, *entered),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *command: str, data: Path, environment: Mapping[str, str] | None = None, limit_s: float
    ) -> tuple[int, str]:
        """Run a command to its end. Return its exit code and what it printed."""
        with self.start(*command, data=data, environment=environment) as process:
            try:
                printed, _ = process.communicate(timeout=limit_s)
            finally:
                process.kill()
        return process.returncode, printed


def stop(program: subprocess.Popen[str]) -> None:
    """Ask a started command to end, as `docker stop` does. `unshare` itself passes no signal on."""
    for child in psutil.Process(program.pid).children():
        child.terminate()


def missing() -> str:
    """Return why no image can be built here, or ''."""
    absent = [name for name in TOOLS if not shutil.which(name)]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: apt install buildah debootstrap)"
    return "" if os.geteuid() == 0 else "only root may build an image and enter it"


def env_file(text: str) -> dict[str, str]:
    """Return the variables of a file that is given to `docker run --env-file`."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@contextmanager
def built_image(folder: Path) -> Iterator[Image]:
    """The image for the length of a block; `folder` holds the storage meanwhile."""
    storage: list[str | Path] = ["--root", folder / "storage", "--runroot", folder / "run"]

    def buildah(*arguments: str | Path) -> str:
        command: list[str | Path] = ["nice", "buildah", *storage, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_LIMIT_S)
        assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()

    try:
        base = buildah("from", "scratch")
        buildah("copy", base, _made_base(folder / "base"), "/")
        buildah("commit", "--rm", base, "localhost/base")
        mounts = [f"--volume={path}:{place}:ro" for path, place in _pip_files(folder).items()]
        # The format of Docker, since that of the Open Container Initiative knows no health checks.
        options = ["--isolation=chroot", "--format=docker", "--pull-never", *mounts]
        buildah("build", *options, "--build-arg=BASE=localhost/base", "--tag=localhost/svp", PROJECT)
        config = json.loads(buildah("inspect", "--type=image", "localhost/svp"))["Docker"]["config"]
        container = buildah("from", "--pull-never", "localhost/svp")
        yield Image(Path(buildah("mount", container)), config)
    finally:
        buildah("umount", "--all")
        buildah("rm", "--all")
        shutil.rmtree(folder)


def _made_base(folder: Path) -> Path:
    command: list[str | Path] = ["nice", "debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder]
    made = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_LIMIT_S)
    assert made.returncode == 0, made.stdout[-4000:]
    for name, text in _LIKE_DOCKERS.items():
        (folder / name).write_text(text)
    for name in ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "var/lib/apt/lists"):
        shutil.rmtree(folder / name)
        (folder / name).mkdir()
    for cached in (*folder.glob("var/cache/apt/*.bin"), *folder.glob("var/cache/apt/archives/*.deb")):
        cached.unlink()
    return folder


def _pip_files(folder: Path) -> dict[Path, str]:
    """Return the files by which pip finds its index in the build as on this machine, and where they have to be."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True, timeout=60
    )
    found = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed.stdout, flags=re.MULTILINE))
    settings = {name: found[name] for name in PIP_SETTINGS if name in found}
    written = folder / "pip.conf"
    written.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
    certificate = {Path(settings["cert"]): settings["cert"]} if "cert" in settings else {}
    return {written: "/etc/pip.conf"} | certificate
