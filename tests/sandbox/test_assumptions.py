"""Each behaviour of a stand-in names its source, or says that it is assumed; docs/assumptions.md lists them."""

from pathlib import Path

import pytest

from sandbox.assumptions import FOLDER, Assumption, MalformedNoteError, Source, notes, page

DOCS = FOLDER.parent / "docs" / "assumptions.md"
OWN = {
    "ai/gemini_answer.py",  # a stand-in for a model: nothing of Google's
    "ai/hearing.py",
    "ai/quotable.py",
    "ai/scripts.py",
    "ai/server.py",
    "media/authority.py",
    "media/make_clips.py",
    "media/server.py",
    "media/usage.py",
    "notion/state/app_state.py",
    "notion/content/cell_text.py",
    "notion/endpoints/control.py",
    "notion/state/store.py",
    "notion/view.py",
    "notion/web.py",
}
"""Modules that play nothing of a service: what steers, keeps, shows to people or serves."""


def module(tmp_path: Path, *comments: str) -> Path:
    lines = ["def answer() -> int:", *[f"    # {comment}" for comment in comments], "    return 1"]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "page.py").write_text("\n".join(lines))
    return tmp_path


def test_the_page_in_docs_is_what_the_comments_say() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(notes()), (
        "run `python -m sandbox.assumptions > docs/assumptions.md`"
    )


def test_every_module_that_plays_a_service_says_what_it_rests_on() -> None:
    told = {note.where.partition(" ")[0] for note in notes()}
    modules = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/**/*.py")} - OWN
    silent = {name for name in modules - told if not name.endswith("__init__.py")}
    assert silent == set()


def test_notes_are_read_with_their_place_over_several_lines(tmp_path: Path) -> None:
    found = notes(
        module(
            tmp_path,
            "Why the answer of this data source is one.",
            "Source: docs.example/answers: one,",
            "and always one.",
            "Assumed: nobody asks twice. If wrong: people wait. Check: site: page.",
        )
    )
    assert found == [
        Source("site", "site/page.py answer", "docs.example/answers: one, and always one"),
        Assumption("site", "site/page.py answer", "nobody asks twice", "people wait", "site: page"),
    ]


@pytest.mark.parametrize(
    "comment",
    [
        "Source: docs.example/answers",
        "Source docs.example/answers.",
        "source: docs.example/answers.",
        "Assumed: nobody asks twice.",
        "Assumed: nobody asks twice. If wrong: people wait.",
        "Assumed: nobody asks twice. Check: none. If wrong: people wait.",
        "an assumption of ours",
        "one, it is assumed",
    ],
)
def test_a_note_in_neither_form_is_an_error_that_names_it(tmp_path: Path, comment: str) -> None:
    with pytest.raises(MalformedNoteError, match=r"page\.py:2: "):
        notes(module(tmp_path, comment))
