"""From a pending row to a finished page, with real engines against the stand-ins."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.thumbnails import Thumbnails
from tests.defs.installation import Installation
from tests.sandbox.ai_service import ai_service

pytest_plugins = ("tests.media_site",)

PASTA = "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501?is_from_webapp=1"
PANCAKES = "https://www.instagram.com/reel/DOpancakes1/?igsh=MzRlODBiNWFlZA=="
CAFE = "https://www.tiktok.com/@porto.finds/video/7512345678901234502"
SUNSET = "https://www.tiktok.com/@lake.diary/video/7512345678901234503"


def test_a_pending_row_becomes_a_page_without_any_key(installation: Installation) -> None:
    row = installation.process(PASTA, "cooking")

    assert row["status"] == "completed"
    (page,) = installation.content_pages("cooking")
    assert page["name"].startswith("Tomato basil pasta")
    assert page["video_link"] == "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"
    assert "spaghetti" in page["ingredients"].lower()
    assert row["result"]
    body = installation.body(page["id"])
    assert "extractive" in body
    assert "RapidOCR" in body
    assert installation.materialized("transcript", row["id"])["engine"] == "captions"
    assert installation.materialized("content_page", row["id"])["page"] == row["result"]
    assert installation.materialized("content_page", row["id"])["entry"].endswith(f"/entries/{row['id']}")
    assert "data:image/jpeg" in installation.materialized("video", row["id"])["thumbnail"]
    assert Thumbnails(storage=storage(Settings())).get("tiktok:7512345678901234501")


def test_the_paid_engines_serve_once_their_keys_are_set(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ai_service() as ai:
        for name, value in {
            "OPENAI_API_KEY": "sk-canary-speech",
            "OPENAI_BASE_URL": f"{ai.url}/v1",
            "GOOGLE_VISION_API_KEY": "canary-vision",
            "SVP_VISION_ENDPOINT": ai.url,
            "GEMINI_API_KEY": "canary-gemini",
            "GOOGLE_GEMINI_BASE_URL": ai.url,
        }.items():
            monkeypatch.setenv(name, value)
        row = installation.process(PANCAKES, "cooking")
        paid = {service: counts["calls"] for service, counts in ai.ledger.items()}

    assert row["status"] == "completed", row["error"]
    assert set(paid) == {"openai", "vision", "gemini"}
    entry = installation.store.entries.get(row["id"])
    assert entry is not None
    assert entry.engines["transcribe"] == "whisper-1"
    assert entry.engines["read_screen"] == "Google Vision"
    assert entry.engines["summarize"] == "gemini"
    cost_usd, all_known = installation.store.entries.costs([row["id"]])[row["id"]]
    assert all_known
    assert 0 < cost_usd < 0.02
    dumped = "".join(str(entry) for entry in installation.instance.all_logs(entry.run_id or ""))
    assert "canary" not in dumped


def test_a_second_run_of_a_row_updates_its_page(installation: Installation) -> None:
    first = installation.process(CAFE, "places")
    result = installation.run(first["id"])

    assert result.success
    (page,) = installation.content_pages("places")
    assert installation.row(first["id"])["result"] == first["result"]
    assert page["address"] == "12 Harbour Lane"


def test_a_page_that_a_dead_attempt_made_is_found_again(installation: Installation) -> None:
    row = installation.process(SUNSET, "places")
    entry = installation.store.entries.get(row["id"])
    assert entry is not None
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE link_entries SET content_page_id = NULL, content_page_url = NULL")

    assert installation.run(row["id"]).success
    again = installation.store.entries.get(row["id"])
    assert again is not None
    assert again.content_page_id == entry.content_page_id
    assert len(installation.content_pages("places")) == 1


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("not a link", "unsupported_link", "url column"),
        ("https://vimeo.com/76979871", "unsupported_link", "TikTok"),
        ("https://www.tiktok.com/@weeknight.kitchen", "unsupported_link", "profile"),
        ("https://www.tiktok.com/@not.for.you/video/7512345678901234620", "private", "private"),
        ("https://www.tiktok.com/@long.talks/video/7512345678901234701", "too_long", "3.0 hours"),
        ("https://www.tiktok.com/@lake.diary/video/7512345678901234705", "media_empty", "empty"),
        ("https://www.tiktok.com/@lake.diary/video/7512345678901234706", "media_truncated", "of 26 seconds"),
        ("https://www.tiktok.com/@lake.diary/video/7512345678901234708", "sound_only", "sound"),
    ],
)
def test_bad_input_ends_as_failed_with_its_own_sentence(
    installation: Installation, url: str, code: str, says: str
) -> None:
    row = installation.process(url, "places")

    assert row["status"] == "failed"
    assert says in row["error"]
    entry = installation.store.entries.get(row["id"])
    assert entry is not None
    assert entry.failure_code == code
    assert installation.content_pages("places") == []
    assert not _work_folders()


def test_an_unknown_tag_ends_the_row_without_a_run(installation: Installation) -> None:
    row = installation.process(PASTA, "gardening")
    assert row["status"] == "failed"
    assert "“gardening”" in row["error"]
    assert installation.instance.get_runs_count() == 0


def test_a_deleted_content_database_is_noticed_before_anything_is_downloaded(installation: Installation) -> None:
    source_id = installation.content_source_ids["places"]
    installation.notion.client.data_sources.update(source_id, in_trash=True)

    row = installation.process(CAFE, "places")

    assert row["status"] == "failed"
    assert "Content Database" in row["error"]
    entry = installation.store.entries.get(row["id"])
    assert entry is not None
    assert entry.failure_code == "database_not_shared"
    assert "download" not in entry.stage_seconds


def test_a_database_in_the_trash_is_noticed_though_its_columns_can_still_be_read(installation: Installation) -> None:
    places = installation.store.databases.for_tag(installation.connection_id, "places")
    assert places is not None
    installation.notion.client.databases.update(places.database_id, in_trash=True)

    row = installation.process(CAFE, "places")

    assert row["status"] == "failed"
    assert "Restore or share it" in row["error"]


def test_a_row_set_back_to_pending_runs_again_once(installation: Installation) -> None:
    row = installation.process("https://www.tiktok.com/@not.for.you/video/7512345678901234620", "places")
    properties = {"status": {"select": {"name": "pending"}}, "url": {"url": SUNSET}}
    installation.notion.client.pages.update(row["id"], properties=properties)
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE link_entries SET updated_at = '2026-01-01 00:00:00'")

    assert len(installation.run_requested()) == 1
    assert installation.row(row["id"])["status"] == "completed"
    assert installation.row(row["id"])["error"] == ""
    assert isinstance(installation.tick(), dg.SkipReason)


def _work_folders() -> list[Path]:
    root = Settings().work_folder
    return list(root.iterdir()) if root.exists() else []
