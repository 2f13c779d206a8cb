"""What every request has to have, and what is the same for all refusals."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from notion_client.errors import UnknownHTTPResponseError

from sandbox.faults import Fault, FaultPlan
from tests.sandbox.notion_service import (
    LATEST,
    NotionService,
    NotionWorkspace,
    notion_service,
    paragraph,
    refusal,
    text,
    titled,
)


def test_a_refusal_has_notions_body_and_a_request_id(workspace: NotionWorkspace) -> None:
    missing = str(uuid.uuid4())
    answer = workspace.raw.get(f"/v1/pages/{missing}")
    body = answer.json()
    assert answer.status_code == 404
    assert set(body) == {"object", "status", "code", "message", "request_id"}
    assert (body["object"], body["status"], body["code"]) == ("error", 404, "object_not_found")
    assert body["message"].startswith(f"Could not find page with ID: {missing}. Make sure the relevant pages")
    assert body["request_id"] == answer.headers["x-notion-request-id"]


def test_a_request_without_a_version_is_refused(notion: NotionService, workspace: NotionWorkspace) -> None:
    headers = {"Authorization": f"Bearer {workspace.token}"}
    answer = notion.http.get("/v1/users/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_version")
    answer = notion.http.get("/v1/users/me", headers=headers | {"Notion-Version": "2022-06-28"})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_every_answer_of_the_api_has_a_request_id_and_a_ray(workspace: NotionWorkspace) -> None:
    answers = [workspace.raw.get(path) for path in ("/v1/users/me", "/v1/pages/none", "/v1/nothing")]
    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert all({"x-notion-request-id", "cf-ray"} <= set(answer.headers) for answer in answers)
    assert workspace.raw.get("/v1/users/me").headers["x-notion-request-id"] != answers[0].headers["x-notion-request-id"]


def test_the_edge_refuses_in_html_with_a_ray_and_without_a_request_id(workspace: NotionWorkspace) -> None:
    ray = workspace.control("edge_block", matching="/v1/users", times=1)["ray_id"]
    assert workspace.raw.post("/v1/search", json={}).status_code == 200
    answer = workspace.raw.get("/v1/users/me")
    assert (answer.status_code, answer.headers["cf-ray"]) == (403, ray)
    assert answer.headers["content-type"].startswith("text/html")
    assert "x-notion-request-id" not in answer.headers
    assert ray.partition("-")[0] in answer.text
    workspace.control("edge_block")
    with pytest.raises(UnknownHTTPResponseError):
        workspace.client.users.me()
    assert workspace.raw.get("/v1/users/me").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        "11111111-1111-1111-1111-111111111111",  # a variant that the RFC has not
        "8b4f0a52-52c5-9b6c-9c2b-0d9ac3f0a1aa",  # a version that the RFC has not
        "8b4f0a52-52c54b6c-9c2b-0d9ac3f0a1aa",
        "8b4f0a52",
    ],
)
def test_an_id_that_is_no_uuid_of_the_rfc_is_a_bad_request(workspace: NotionWorkspace, wrong: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: workspace.client.pages.retrieve(wrong),
        lambda: workspace.client.databases.retrieve(wrong),
        lambda: workspace.client.data_sources.query(wrong),
        lambda: workspace.client.blocks.children.list(wrong),
        lambda: workspace.client.pages.create(parent={"data_source_id": wrong}, properties={}),
    ]
    errors = [refusal(call) for call in calls]
    assert {(error.status, error.code) for error in errors} == {(400, "validation_error")}
    assert all(f'should be a valid uuid, instead was `"{wrong}"`' in str(error) for error in errors)


@pytest.mark.parametrize("unknown", ["8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa", "8B4F0A5252C54B6C9C2B0D9AC3F0A1AA"])
def test_an_id_of_nothing_is_not_found(workspace: NotionWorkspace, unknown: str) -> None:
    assert refusal(lambda: workspace.client.pages.retrieve(unknown)).code == "object_not_found"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer ntn_wrong"}, {"Authorization": "Basic YTpi"}])
def test_a_request_without_a_token_that_works_is_refused(notion: NotionService, header: dict[str, str]) -> None:
    answer = notion.http.get("/v1/users/me", headers={"Notion-Version": LATEST} | header)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.json()["message"] == "API token is invalid."


@pytest.mark.parametrize("content", [b"{", b'{"a": NaN}', b"\xff", b'{"query": "\\ud800"}'])
def test_a_body_that_is_no_json_is_refused(workspace: NotionWorkspace, content: bytes) -> None:
    answer = workspace.raw.post("/v1/search", content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_a_body_that_is_no_object_is_refused(workspace: NotionWorkspace) -> None:
    answer = workspace.raw.post("/v1/search", json=[])
    assert answer.json()["message"] == "body failed validation: body should be an object, instead was `[]`."


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nothing"), ("PUT", "/v1/pages"), ("GET", "/v1/search")])
def test_what_notion_has_no_endpoint_for_is_an_invalid_url(workspace: NotionWorkspace, method: str, path: str) -> None:
    answer = workspace.raw.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request_url")


def test_a_request_of_more_than_500_kilobytes_is_refused(workspace: NotionWorkspace) -> None:
    blocks = [{"paragraph": {"rich_text": text("x" * 2_000) * 4}} for _ in range(65)]
    body = {"children": blocks}
    assert len(json.dumps(body)) > 500_000
    error = refusal(lambda: workspace.client.blocks.children.append(workspace.page_id, **body))
    assert (error.status, error.code) == (400, "validation_error")
    assert "500000" in str(error)
    smaller = {"children": blocks[:58]}
    assert 450_000 < len(json.dumps(smaller)) < 500_000
    workspace.client.blocks.children.append(workspace.page_id, **smaller)


def test_ids_are_taken_with_and_without_dashes_and_given_with(workspace: NotionWorkspace) -> None:
    bare = workspace.page_id.replace("-", "")
    page: Any = workspace.client.pages.retrieve(bare)
    assert page["id"] == workspace.page_id
    answer = workspace.raw.get("/v1/pages/not-an-id")
    message = 'path failed validation: path.page_id should be a valid uuid, instead was `"not-an-id"`.'
    assert answer.json()["message"] == message


def test_nothing_of_another_workspace_can_be_seen_or_changed(notion: NotionService, workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    row = workspace.row(source, Name=titled("mine"))
    with notion.workspace("Other") as other:
        for call in (
            lambda: other.client.pages.retrieve(row["id"]),
            lambda: other.client.pages.update(row["id"], in_trash=True),
            lambda: other.client.blocks.retrieve(row["id"]),
            lambda: other.client.blocks.delete(row["id"]),
            lambda: other.client.blocks.children.append(row["id"], children=[paragraph("x")]),
            lambda: other.client.data_sources.query(source),
            lambda: other.client.databases.retrieve(row["parent"]["database_id"]),
            lambda: other.client.comments.create(parent={"page_id": row["id"]}, rich_text=text("x")),
            lambda: other.client.pages.create(parent={"data_source_id": source}, properties={}),
        ):
            assert refusal(call).code == "object_not_found"
        assert len(other.client.search()["results"]) == 1  # type: ignore[index]
    assert workspace.names(source) == ["mine"]


def test_what_is_no_longer_shared_is_not_found_and_is_again_once_it_is(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    workspace.control("share", bot_id=workspace.bot_id, object_id=workspace.page_id, shared=False)
    assert refusal(lambda: workspace.client.data_sources.query(source)).code == "object_not_found"
    workspace.control("share", bot_id=workspace.bot_id, object_id=source, shared=True)
    assert workspace.names(source) == []


def test_a_rate_limit_is_told_in_whole_seconds_and_obeyed_by_the_sdk() -> None:
    with notion_service() as service, service.workspace() as workspace:
        workspace.control("rate", per_second=5, burst=2)
        answers = [workspace.raw.get("/v1/users/me") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "rate_limited"
        assert answers[2].headers["Retry-After"] == "1"
        begun = time.monotonic()
        workspace.client.users.me()  # the SDK waits as it is told
        assert time.monotonic() - begun > 0.9
        workspace.control("rate", per_second=None)
        assert {workspace.raw.get("/v1/users/me").status_code for _ in range(5)} == {200}


def test_the_older_version_has_archived_and_after(notion: NotionService) -> None:
    with notion.workspace(version="2025-09-03") as workspace:
        append = workspace.client.blocks.children.append
        made: Any = append(workspace.page_id, children=[paragraph("a"), paragraph("c")])
        append(workspace.page_id, children=[paragraph("b")], after=made["results"][0]["id"])
        listed: Any = workspace.client.blocks.children.list(workspace.page_id)
        words = [block["paragraph"]["rich_text"][0]["plain_text"] for block in listed["results"]]
        assert words == ["a", "b", "c"]
        page: Any = workspace.client.pages.create(parent={"page_id": workspace.page_id}, properties={})
        trashed: Any = workspace.client.pages.update(page["id"], archived=True)
        assert (trashed["archived"], trashed["in_trash"]) == (True, True)


def test_a_fault_can_lose_the_answer_to_a_page_that_was_made() -> None:
    lost = Fault(path="^/v1/pages$", method="POST", cut="before_answer", when="after")
    with notion_service(faults=FaultPlan(lost)) as service, service.workspace() as workspace:
        source = workspace.data_source({})
        with pytest.raises(httpx.TransportError):
            workspace.row(source, Name=titled("once"))
        assert workspace.ledger(source)["created"] == 1


def test_requests_at_the_same_time_are_carried_out_one_after_the_other(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"id": {"unique_id": {}}, "tag": {"select": {}}})
    body = {"parent": {"data_source_id": source}, "properties": {"tag": {"select": {"name": "new"}}}}
    statuses: list[int] = []

    def make() -> None:
        statuses.extend(workspace.raw.post("/v1/pages", json=body).status_code for _ in range(5))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    found: Any = workspace.client.data_sources.query(source)
    assert sorted(row["properties"]["id"]["unique_id"]["number"] for row in found["results"]) == list(range(1, 21))
    schema: Any = workspace.client.data_sources.retrieve(source)
    assert len(schema["properties"]["tag"]["select"]["options"]) == 1
