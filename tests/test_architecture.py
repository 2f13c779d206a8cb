"""The rules that the whole tree keeps: who may know whom, how long a module may be, what no file may hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
MAX_MODULE_LINES = 300
MAX_TEST_LINES = 400
"""Tests stand one below the other: a long module of them is no harder to read."""
MAX_MODULES_PER_FOLDER = 16
LONGER_MODULES = {
    "svp_dagster/errors.py": "one table of all failures",
    "svp_dagster/models.py": "the values of the whole flow, in the order in which they flow",
    "svp_dagster/store/entries.py": "all statements that write an entry's row, each with the same guard",
    "svp_dagster/store/tables.py": "all tables, whose columns explain each other",
    "svp_dagster/store/migrations/versions/0001_the_first_tables.py": "the same tables as statements",
    "sandbox/media/posts.py": "one table of all sample posts",
    "sandbox/media/make_clips.py": "a script, with the table of all clips that it makes",
}

HEAVY = (
    "apprise",
    "cv2",
    "faster_whisper",
    "google.cloud",
    "google.genai",
    "notion_client",
    "onnxruntime",
    "openai",
    "opentelemetry.sdk",
    "prometheus_client",
    "rapidocr",
    "yt_dlp",
)

# A letter in brackets keeps each pattern from finding itself.
REGISTRIES = re.compile(
    r"pyp[i]\.org/simple|files\.pythonhoste[d]\.org/|registr[y]\.(?:npmjs|yarnpkg)\.|--(?:extra-)?inde[x]-url|--fin[d]-links"
    r"|/artifactor[y]/|/api/pyp[i]/"
)
MACHINE_PATHS = re.compile(r"/wor[k]/(?:main|shared)\b|/roo[t]/|/User[s]/\w|/hom[e]/(?!svp\b)\w|C:\\+User[s]")
SECRETS = re.compile(
    r"-----BEGI[N] (?:[A-Z]+ )*PRIVATE KEY-----"
    r"|\bAKI[A][0-9A-Z]{16}\b"  # Amazon
    r"|\bAIz[a][0-9A-Za-z_-]{35}"  # Google
    r"|\bs[k]-(?:proj-)?[A-Za-z0-9_-]{32,}"  # OpenAI
    r"|\b(?:ntn|secret)_[A-Za-z0-9]{40,}"  # Notion
    r"|\bgh[pousr]_[A-Za-z0-9]{36}"  # GitHub
    r"|(?<![\w/+-])[\w-]{43}=(?![\w=])"  # Fernet
)


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """The text of every tracked file, by its path."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to it")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    texts: dict[str, str] = {}
    for name in filter(None, names):
        path = REPOSITORY / name
        if path.is_file():  # else it was deleted and that isn't committed yet
            data = path.read_bytes()
            if b"\0" not in data:
                texts[name] = data.decode(errors="replace")
    return texts


def places(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of `pyproject.toml` on the packages in a folder."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100)


def test_everybody_knows_only_whom_they_may() -> None:
    done = lint_imports(REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stage_room_that_imports_another_breaks_a_contract(tmp_path: Path) -> None:
    no_code = shutil.ignore_patterns("static", "clips", "__pycache__")
    for package in ("svp_dagster", "oauth_app", "sandbox"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=no_code)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    with (tmp_path / "svp_dagster" / "speech" / "stage.py").open("a") as module:
        module.write("from svp_dagster.screen import lines\n")

    done = lint_imports(tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "Imports run downwards, and the rooms of one floor don't know each other BROKEN" in done.stdout
    assert "svp_dagster.speech is not allowed to import svp_dagster.screen" in done.stdout
    assert "1 broken" in done.stdout


def test_no_module_is_too_long(tracked: dict[str, str]) -> None:
    lengths = {name: len(text.splitlines()) for name, text in tracked.items() if name.endswith(".py")}
    assert {name for name, length in lengths.items() if length > allowed_lines(name)} == set(LONGER_MODULES)


def allowed_lines(name: str) -> int:
    return MAX_TEST_LINES if name.startswith("tests/") else MAX_MODULE_LINES


def test_no_folder_has_too_many_modules(tracked: dict[str, str]) -> None:
    modules = [Path(name) for name in tracked if name.endswith(".py") and not name.endswith("__init__.py")]
    of_the_product = [path for path in modules if path.parts[0] in ("svp_dagster", "oauth_app", "sandbox")]
    counts = Counter(str(path.parent) for path in of_the_product)
    assert counts
    assert {folder: count for folder, count in counts.items() if count > MAX_MODULES_PER_FOLDER} == {}


def test_each_folder_of_tests_is_named_after_what_it_tests(tracked: dict[str, str]) -> None:
    folders = {
        Path(name).parent.relative_to("tests") for name in tracked if re.fullmatch(r"tests/.+/test_\w+\.py", name)
    }
    rooms = {
        folder for folder in folders if (REPOSITORY / folder).is_dir() or (REPOSITORY / "svp_dagster" / folder).is_dir()
    }
    assert {str(folder) for folder in folders - rooms} == {"browser", "recorded", "resilience", "security"}


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (REGISTRIES, "--index" + "-url https://mirror.example.org/simple"),
        (REGISTRIES, "https://py" + "pi.org/simple/six"),
        (REGISTRIES, '"resolved": "https://regis' + 'try.npmjs.org/htmx"'),
        (MACHINE_PATHS, "cd /ro" + "ot/project"),
        (MACHINE_PATHS, "/ho" + "me/ada/svp"),
        (SECRETS, "-----BEGIN RSA PRIVATE" + " KEY-----"),
        (SECRETS, "OPENAI_API_KEY=s" + "k-proj-" + "a1" * 20),
        (SECRETS, "token: nt" + "n_" + "1a2B" * 12),
        (SECRETS, "SVP_ENCRYPTION_KEYS=" + "aB3_" * 10 + "xyz="),
    ],
)
def test_what_no_file_may_hold_is_recognised(pattern: re.Pattern[str], example: str) -> None:
    assert places(pattern, {"file": f"first\n{example}"}) == ["file:2"]


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS, SECRETS], ids=["registry", "machine path", "secret"])
def test_no_file_holds_what_belongs_to_one_machine(tracked: dict[str, str], pattern: re.Pattern[str]) -> None:
    assert places(pattern, tracked) == []


def test_locked_dependencies_name_no_address_and_have_hashes(tracked: dict[str, str]) -> None:
    locks = {name: text for name, text in tracked.items() if name.endswith(".lock")}
    assert locks
    assert places(re.compile(r"://"), locks) == []
    for text in locks.values():
        pinned = [entry for entry in re.split(r"\n(?=\S)", text) if re.match(r"[\w.\[\],-]+==", entry)]
        assert pinned
        assert [entry for entry in pinned if "--hash=sha256:" not in entry] == []


def load_code_location(folder: Path, *, then: str = "") -> str:
    """What `then` prints after the code location was loaded as Dagster does it, in a bare environment."""
    environment = {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder), "PATH": ""}
    code = f"import sys; from svp_dagster import definitions; definitions.defs(); {then}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_loading_the_code_location_leaves_heavy_packages_alone(tmp_path: Path) -> None:
    loaded = load_code_location(tmp_path, then=f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))")
    assert loaded.split() == []


def test_loading_the_code_location_writes_nothing(tmp_path: Path) -> None:
    load_code_location(tmp_path)
    assert list(tmp_path.iterdir()) == []
