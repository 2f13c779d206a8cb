"""Other users of the machine read nothing that this program writes: tokens, keys, media, logs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from svp_dagster.commands.doctor import examine
from svp_dagster.commands.processes import answers, free_port
from svp_dagster.commands.up import prepare
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.errors import Code, SvpError
from svp_dagster.settings import Settings
from tests.conftest import USUAL_UMASK

pytestmark = pytest.mark.slow

START_LIMIT_S = 90.0
STOP_LIMIT_S = 40.0
SVP = str(Path(sys.executable).parent / "svp")
USE_THE_APP = "from oauth_app.app import create_app; create_app().test_client().get('/ready')"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder that exists, as an older installation or an operator made it."""
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SVP_HOME": str(home), "SVP_ENV_FILE": str(home / "no.env"), **more}


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what other users have rights to, with its mode."""
    modes = {str(path.relative_to(folder.parent)): path.lstat().st_mode for path in (folder, *folder.rglob("*"))}
    return {name: stat.filemode(mode) for name, mode in modes.items() if mode & 0o077 and not stat.S_ISLNK(mode)}


@contextmanager
def svp_up(home: Path) -> Iterator[None]:
    """Run the whole installation in `home` until the end of the block."""
    ports = {"SVP_APP_PORT": str(free_port()), "SVP_DAGSTER_PORT": str(free_port())}
    with subprocess.Popen(
        [SVP, "up"],
        env=environment(home, **ports),
        umask=USUAL_UMASK,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            give_up_at = time.monotonic() + START_LIMIT_S
            while not all(answers(int(port)) for port in ports.values()):
                assert child.poll() is None, "svp up ended"
                assert time.monotonic() < give_up_at, "svp up didn't answer"
                time.sleep(0.2)
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(STOP_LIMIT_S)


def test_a_running_installation_writes_nothing_that_others_can_read(home: Path) -> None:
    with svp_up(home):
        logs = home / "logs" / "dagster-daemon.log"
        give_up_at = time.monotonic() + START_LIMIT_S
        while "unsynced" not in logs.read_text() and time.monotonic() < give_up_at:
            time.sleep(0.2)  # until sensors have run, and so a process that the daemon started
        found = open_to_others(home)
        written = {path.name for path in home.rglob("*")}
    assert found == {}
    assert {"encryption.key", "operator.key", "svp.sqlite", "dagster.yaml", "app.log"} <= written


@pytest.mark.parametrize("command", [["migrate"], ["doctor"]])
def test_no_command_writes_a_file_that_others_can_read(home: Path, command: list[str]) -> None:
    subprocess.run([SVP, *command], env=environment(home), umask=USUAL_UMASK, timeout=60, capture_output=True)
    written = [path for path in home.rglob("*") if path.is_file()]
    assert written
    assert open_to_others(home).keys() <= {"home"}


def test_the_app_without_the_rest_writes_no_file_that_others_can_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    started = [sys.executable, "-c", USE_THE_APP]
    subprocess.run(started, env=environment(home), umask=USUAL_UMASK, timeout=60, check=True)
    assert (home / "svp.sqlite").is_file()
    assert open_to_others(home) == {}


def test_the_folder_of_a_run_is_closed_whoever_started_the_run(tmp_path: Path) -> None:
    path = WorkFolder(root=tmp_path / "work", run_id="run").path
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_home_folder_that_can_not_be_closed_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def belongs_to_another_user(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setenv("SVP_HOME", str(home))
    monkeypatch.setattr(Path, "chmod", belongs_to_another_user)
    with pytest.raises(SvpError) as caught:
        prepare(Settings())
    assert caught.value.code is Code.MISCONFIGURED
    assert "SVP_HOME" in caught.value.sentence
    assert list(home.iterdir()) == []


def test_the_doctor_sees_a_home_folder_that_others_can_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_HOME", str(home))
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    finding = next(found for found in examine(Settings()) if found.subject == "Home folder")
    assert finding.state == "wrong"
    assert "chmod 700" in finding.words
