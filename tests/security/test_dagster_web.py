"""The Dagster UI on a socket: what other pages and hosts can make it do or tell. Nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from svp_dagster.webserver.guard import PAGES
from tests.security.dagster_web import OTHER_NAME, PUBLIC_URL, TIMEOUT_S, DagsterWeb, mutation, new_pool

pytestmark = pytest.mark.slow

FOREIGN = "https://evil.example"
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


KINDS = (Route, Mount, WebSocketRoute)


@contextmanager
def websocket(web: DagsterWeb, *, host: str = "127.0.0.1", **headers: str) -> Iterator[ClientConnection]:
    """Open a WebSocket to its GraphQL, asking for `host` and with these headers."""
    with connect(
        f"ws://{host}/graphql",
        address=("127.0.0.1", web.port),
        subprotocols=[Subprotocol("graphql-ws")],
        additional_headers=headers,
        open_timeout=TIMEOUT_S,
        proxy=None,
    ) as connected:
        yield connected


def denied(web: DagsterWeb, *, host: str = "127.0.0.1", **headers: str) -> int:
    """Return the status with which such a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refused, websocket(web, host=host, **headers):
        pass
    return refused.value.response.status_code


def test_a_get_cannot_change_anything(web: DagsterWeb) -> None:
    pool = new_pool()
    answer = web.send("GET", "/graphql", params={"query": mutation(pool)})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert pool not in web.pools()


@pytest.mark.parametrize(
    "params",
    [
        {"query": "query Read {{ version }} {mutation}", "operationName": ""},
        {"query": "fragment F on Query {{ version }} {mutation}"},
        {"query": ["{{ version }}", "{mutation}"]},
        {"query": ["{mutation}", "{{ version }}"]},
        {"query": "subscription {{ locationStateChangeEvents {{ event {{ message }} }} }}"},
        {"query": "not a document"},
        {"query": "{{" * 20_000},
    ],
    ids=["second", "after a fragment", "last", "first", "subscription", "unparsable", "deep"],
)
def test_a_get_that_does_more_than_read_is_refused(web: DagsterWeb, params: dict[str, str | list[str]]) -> None:
    pool = new_pool()
    texts = params.pop("query")
    texts = [text.format(mutation=mutation(pool)) for text in ([texts] if isinstance(texts, str) else texts)]
    assert web.send("GET", "/graphql", params={**params, "query": texts}).status_code == 405
    assert pool not in web.pools()


def test_no_other_spelling_of_the_path_lets_a_get_change_anything(web: DagsterWeb) -> None:
    pool = new_pool()
    for path in ("/graphql%0A", "/%67raphql", "/graphql/", "//graphql", "/x/../graphql"):
        web.send("GET", path, params={"query": mutation(pool)})
    assert pool not in web.pools()


def test_a_get_may_read(web: DagsterWeb) -> None:
    answer = web.send("GET", "/graphql", params={"query": "{ version }"})
    assert answer.json()["data"]["version"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "text/plain",
        "text/plain; charset=application/json",
        "text/plain, application/json",
        None,
    ],
)
def test_a_post_that_needs_no_preflight_is_refused(web: DagsterWeb, content_type: str | None) -> None:
    pool = new_pool()
    headers = {"Content-Type": content_type} if content_type else {}
    for path, body in (("/graphql", json.dumps({"query": mutation(pool)})), (f"/graphql?query={mutation(pool)}", "")):
        assert web.send("POST", path, content=body, headers=headers).status_code == 415
    assert web.send("POST", "/report_asset_materialization/taken", headers=headers).status_code == 415
    assert pool not in web.pools()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Origin": f"{PUBLIC_URL}.evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        LINK,
    ],
    ids=str,
)
def test_another_origin_can_neither_change_nor_read_anything(web: DagsterWeb, headers: dict[str, str]) -> None:
    pool = new_pool()
    assert web.send("POST", "/graphql", json={"query": mutation(pool)}, headers=headers).status_code == 403
    assert web.send("GET", "/graphql", params={"query": "{ version }"}, headers=headers).status_code == 403
    assert denied(web, **headers) == 403
    assert pool not in web.pools()


def test_the_ui_itself_may_change_things_and_listen(web: DagsterWeb) -> None:
    for origin, host in ((web.url, web.url.removeprefix("http://")), (PUBLIC_URL, "127.0.0.1")):
        pool = new_pool()
        own = {"Origin": origin, "Host": host, "Sec-Fetch-Site": "same-origin"}
        assert web.send("POST", "/graphql", json={"query": mutation(pool)}, headers=own).status_code == 200
        assert pool in web.pools()
    with websocket(web, host=f"127.0.0.1:{web.port}", Origin=web.url) as connected:
        connected.send(json.dumps({"type": "connection_init"}))
        assert json.loads(connected.recv(timeout=TIMEOUT_S)) == {"type": "connection_ack"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "evil.example:3000"])
def test_a_foreign_name_that_leads_here_is_refused(web: DagsterWeb, host: str) -> None:
    pool = new_pool()
    same_origin = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert web.send("POST", "/graphql", json={"query": mutation(pool)}, headers=same_origin).status_code == 400
    assert web.send("GET", "/", headers=same_origin).status_code == 400
    assert denied(web, host=host, Origin=f"http://{host}") == 400
    assert pool not in web.pools()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", OTHER_NAME, "dagster.example.org"])
def test_it_answers_to_its_own_names(web: DagsterWeb, host: str) -> None:
    for named in (host, f"{host}:{web.port}"):
        assert web.send("GET", "/server_info", headers={"Host": named}).status_code == 200


def test_a_link_from_elsewhere_opens_the_ui_and_nothing_else(web: DagsterWeb) -> None:
    assert ">Dagster</title>" in web.send("GET", "/runs/abc?tab=logs", headers=LINK).text
    assert web.send("GET", "/logs/a/compute_logs/b.err", headers=LINK).status_code == 403
    assert web.send("GET", "/runs", headers={**LINK, "Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert web.send("GET", "/runs", headers={**LINK, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert web.send("POST", "/runs", headers=LINK).status_code == 403


def test_no_other_site_may_frame_embed_or_sniff_an_answer(web: DagsterWeb) -> None:
    for path in ("/", "/graphql?query={version}", "/server_info", "/favicon.png", "/refused?x"):
        headers = web.send("GET", path).headers
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "script-src 'nonce-" in web.send("GET", "/").headers["Content-Security-Policy"]


RULES = {
    "/server_info": "data",
    "/dagit_info": "data",
    "/graphql": "data",
    "/_next": "data",
    "/vendor": "data",
    "/logs/{path:path}": "data",
    "/notebook": "data",
    "/dagit/notebook": "data",
    "/download_debug/{run_id:str}": "data",
    "/report_asset_materialization/{asset_key:path}": "data",
    "/report_asset_check/{asset_key:path}": "data",
    "/report_asset_observation/{asset_key:path}": "data",
    "/{path:path}": "page",
    "/": "page",
}
"""What each of Dagster's routes answers with. The single files of the UI go by their name, `root_static`."""


def test_every_route_of_dagsters_has_a_rule_and_keeps_it(web: DagsterWeb, tmp_path: Path) -> None:
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        WorkspaceProcessContext(instance, None) as context,
    ):
        routes = create_app_from_workspace_process_context(context).routes
    found = {(type(route), route.path, route.name) for route in routes if isinstance(route, KINDS)}
    assert len(found) == len(routes)
    rules = {path: RULES.get(path, "data" if name == "root_static" else "none") for _, path, name in found}
    assert [path for path, rule in rules.items() if rule == "none"] == []
    assert rules.keys() >= RULES.keys()
    assert {path for path, rule in rules.items() if rule == "page"} == PAGES

    for kind, path, _ in found:
        concrete = re.sub(r"{.*?}", "x", path) + ("/x" if kind is Mount else "")
        if kind is WebSocketRoute:
            assert denied(web, Origin=FOREIGN) == 403
            continue
        assert web.send("POST", concrete, json={}, headers={"Origin": FOREIGN}).status_code == 403
        assert web.send("GET", concrete, headers=LINK).status_code == (200 if rules[path] == "page" else 403)
