"""File uploads: sent, attached within the hour, limits."""

from typing import Any

import pytest

from tests.sandbox.notion_service import NotionWorkspace, notion_service, refusal

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def uploaded(workspace: NotionWorkspace, name: str = "cover.png", kind: str = "image/png", data: bytes = PNG) -> str:
    made: Any = workspace.client.file_uploads.create(filename=name, content_type=kind)
    assert (made["status"], made["content_length"]) == ("pending", None)
    assert made["upload_url"].endswith(f"/v1/file_uploads/{made['id']}/send")
    sent: Any = workspace.client.file_uploads.send(made["id"], file=(name, data, kind))
    assert (sent["status"], sent["content_length"], sent["filename"]) == ("uploaded", len(data), name)
    assert workspace.client.file_uploads.retrieve(made["id"]) == sent
    return str(made["id"])


def test_an_upload_becomes_a_cover_an_icon_a_block_and_a_cell(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"media": {"files": {}}})
    file = {"type": "file_upload", "file_upload": {"id": uploaded(workspace)}}
    page: Any = workspace.client.pages.create(
        parent={"data_source_id": source},
        properties={"media": {"files": [file]}},
        cover=file,
        icon=file,
        children=[{"image": file}],
    )
    cell = page["properties"]["media"]["files"][0]
    assert (cell["name"], cell["type"]) == ("cover.png", "file")
    blocks: Any = workspace.client.blocks.children.list(page["id"])
    for shown in (page["cover"], page["icon"], cell, blocks["results"][0]["image"]):
        assert shown["type"] == "file"
        answer = workspace.raw.get(shown["file"]["url"])
        assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    upload: Any = workspace.client.file_uploads.retrieve(file["file_upload"]["id"])  # type: ignore[index]
    assert upload["expiry_time"] is None


def test_an_upload_must_be_attached_within_the_hour() -> None:
    with notion_service() as service, service.workspace() as workspace:
        early, late = uploaded(workspace), uploaded(workspace)
        page_id = workspace.page_id
        workspace.client.pages.update(page_id, cover={"type": "file_upload", "file_upload": {"id": early}})
        workspace.control("clock", advance_s=3_601)
        expired: Any = workspace.client.file_uploads.retrieve(late)
        assert expired["status"] == "expired"
        call = workspace.client.pages.update
        error = refusal(lambda: call(page_id, cover={"type": "file_upload", "file_upload": {"id": late}}))
        assert "has expired" in str(error)
        page: Any = workspace.client.pages.retrieve(page_id)
        assert workspace.raw.get(page["cover"]["file"]["url"]).content == PNG


def test_an_upload_that_was_not_sent_cannot_be_attached(workspace: NotionWorkspace) -> None:
    made: Any = workspace.client.file_uploads.create(filename="a.png", content_type="image/png")
    cover = {"type": "file_upload", "file_upload": {"id": made["id"]}}
    assert "uploaded" in str(refusal(lambda: workspace.client.pages.update(workspace.page_id, cover=cover)))


@pytest.mark.parametrize("name", ["captions.vtt", "captions.srt", "program.exe", "noextension"])
def test_a_file_that_notion_takes_no_such_of_is_refused(workspace: NotionWorkspace, name: str) -> None:
    error = refusal(lambda: workspace.client.file_uploads.create(filename=name))
    assert "extension that is not supported" in str(error)


def test_an_upload_larger_than_the_workspace_allows_is_refused(workspace: NotionWorkspace) -> None:
    workspace.control("workspaces/limits", workspace_id=workspace.workspace_id, largest_upload_bytes=100)
    me: Any = workspace.client.users.me()
    assert me["bot"]["workspace_limits"]["max_file_upload_size_in_bytes"] == 100
    assert uploaded(workspace, data=b"x" * 100)
    made: Any = workspace.client.file_uploads.create(filename="a.png")
    call = workspace.client.file_uploads.send
    assert "exceeds the limit" in str(refusal(lambda: call(made["id"], file=("a.png", b"x" * 101, "image/png"))))


def test_a_file_of_another_type_than_announced_is_refused(workspace: NotionWorkspace) -> None:
    made: Any = workspace.client.file_uploads.create(filename="a.png", content_type="image/png")
    call = workspace.client.file_uploads.send
    assert "does not match" in str(refusal(lambda: call(made["id"], file=("a.png", PNG, "image/jpeg"))))


def test_a_file_is_sent_once(workspace: NotionWorkspace) -> None:
    upload_id = uploaded(workspace)
    call = workspace.client.file_uploads.send
    assert "not pending" in str(refusal(lambda: call(upload_id, file=("a.png", PNG, "image/png"))))


def test_a_file_can_be_sent_in_parts(workspace: NotionWorkspace) -> None:
    uploads = workspace.client.file_uploads
    made: Any = uploads.create(mode="multi_part", filename="a.txt", content_type="text/plain", number_of_parts=2)
    uploads.send(made["id"], file=("a.txt", b"first ", "text/plain"), part_number="1")
    assert "all of its parts" in str(refusal(lambda: uploads.complete(made["id"])))
    third = {"file": ("a.txt", b"?", "text/plain"), "part_number": "3"}
    assert "part_number" in str(refusal(lambda: uploads.send(made["id"], **third)))
    uploads.send(made["id"], file=("a.txt", b"second", "text/plain"), part_number="2")
    done: Any = uploads.complete(made["id"])
    assert (done["status"], done["content_length"]) == ("uploaded", 12)
    listed: Any = uploads.list(status="uploaded")
    assert [entry["id"] for entry in listed["results"]] == [made["id"]]


def test_what_a_browser_could_run_is_only_handed_out_for_saving(workspace: NotionWorkspace) -> None:
    upload_id = uploaded(workspace, name="page.html", kind="text/html", data=b"<script>alert(1)</script>")
    answer = workspace.raw.get(f"/files/{upload_id}/page.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
