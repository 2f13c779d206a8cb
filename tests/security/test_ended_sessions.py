"""A copied cookie is worth nothing once its session has ended: in the app, for its operator, in the Dagster UI."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from flask import Flask
from starlette.responses import PlainTextResponse
from websockets.exceptions import ConnectionClosed

from oauth_app.services import Services
from svp_dagster.store.store import Store
from svp_dagster.webserver.sign_in import COOKIE, SignIn
from tests.notion.client.notion_sandbox import NotionSandbox, RunningNotion
from tests.oauth_app.people import Person
from tests.security.conftest import OPERATOR_KEY
from tests.security.dagster_web import TIMEOUT_S, DagsterWeb
from tests.security.test_dagster_web import websocket

HTML = {"Accept": "text/html"}


def cookie_of(person: Person) -> str:
    """Return the value of a browser's cookie."""
    cookie = person.client.get_cookie("svp_session")
    assert cookie is not None
    return cookie.value


def with_copy_of(cookie: str, app: Flask, notion: NotionSandbox) -> Person:
    """Return somebody who copied a cookie."""
    thief = Person(app, notion)
    thief.client.set_cookie("svp_session", cookie)
    return thief


def is_signed_in(person: Person) -> bool:
    """Return whether pages and API let somebody in. Both or none."""
    page, api = person.client.get("/entries"), person.client.get("/api/entries")
    assert (page.status_code, api.status_code) in ((200, 200), (302, 401))
    return api.status_code == 200


def sign_in_as_operator(person: Person) -> None:
    """Open the operator's page."""
    person.see("/operator")
    person.submit("/operator/key", key=(Path(os.environ["SVP_HOME"]) / "operator.key").read_text())
    assert is_operator(person)


def is_operator(person: Person) -> bool:
    """Return whether the operator's page is open."""
    return "Is everything there?" in person.see("/operator")


def let_pass(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> None:
    """Let the app believe that so much time has passed."""
    later = datetime.now(UTC) + time
    monkeypatch.setattr(Services, "now", lambda _: later)


def test_signing_out_ends_the_session_for_a_copy_of_the_cookie(ada: Person, app: Flask) -> None:
    thief = with_copy_of(cookie_of(ada), app, ada.notion)
    assert is_signed_in(thief)
    ada.submit("/auth/sign-out")
    assert not is_signed_in(thief)
    assert not is_signed_in(ada)


def test_connecting_again_does_not_bring_back_what_disconnecting_ended(ada: Person, app: Flask, store: Store) -> None:
    token = {"Authorization": f"Bearer {make_token(ada, store)}"}
    thief = with_copy_of(cookie_of(ada), app, ada.notion)
    ada.submit("/auth/disconnect")
    ada.sign_in()
    assert is_signed_in(ada)
    assert not is_signed_in(thief)
    assert app.test_client().get("/api/entries", headers=token).status_code == 401


def test_adding_the_connection_again_at_notion_does_not_bring_back_a_session(
    ada: Person, app: Flask, store: Store
) -> None:
    token = {"Authorization": f"Bearer {make_token(ada, store)}"}
    thief = with_copy_of(cookie_of(ada), app, ada.notion)
    (before,) = store.connections.all()
    ada.notion.control("connections/remove", bot_id=before.bot_id)
    ada.sign_in()
    assert is_signed_in(ada)
    assert not is_signed_in(thief)
    assert app.test_client().get("/api/entries", headers=token).status_code == 401


def make_token(person: Person, store: Store) -> str:
    """Make an API token on the page; return its secret."""
    page = person.submit("/tokens", name="Phone", scope="read").text
    assert len(store.web.api_tokens(person.connection_id)) == 1
    return page[page.index("svp_") :].split("<")[0]


def test_signing_out_everywhere_ends_every_session_of_the_connection(
    ada: Person, app: Flask, running: RunningNotion
) -> None:
    phone = Person(app, ada.notion).sign_in()
    with running.fresh_workspace() as other:
        stranger = Person(app, other).sign_in().set_up()
        assert is_signed_in(phone)
        phone.submit("/auth/sign-out-everywhere")
        assert "You are signed out in every browser" in phone.see("/")
        assert not is_signed_in(phone)
        assert not is_signed_in(ada)
        assert is_signed_in(stranger)


def test_signing_out_ends_no_session_in_another_browser(ada: Person, app: Flask) -> None:
    phone = Person(app, ada.notion).sign_in()
    phone.submit("/auth/sign-out")
    assert is_signed_in(ada)


def test_signing_in_again_ends_the_session_before(ada: Person, app: Flask) -> None:
    thief = with_copy_of(cookie_of(ada), app, ada.notion)
    ada.sign_in()
    assert is_signed_in(ada)
    assert not is_signed_in(thief)


def test_a_session_ends_thirty_days_after_it_began_however_often_it_is_used(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in (10, 20, 29):
        let_pass(monkeypatch, timedelta(days=days, hours=23))
        assert is_signed_in(ada)
    let_pass(monkeypatch, timedelta(days=30))
    assert not is_signed_in(ada)


def test_a_late_answer_does_not_bring_back_the_cookie_of_an_ended_session(ada: Person) -> None:
    assert "Set-Cookie" not in ada.client.get("/entries/live").headers


@pytest.fixture
def operator(person: Person) -> Person:
    """Who runs the installation, signed in."""
    sign_in_as_operator(person)
    return person


def test_the_operators_sign_out_ends_the_session_for_a_copy_of_the_cookie(operator: Person, app: Flask) -> None:
    thief = with_copy_of(cookie_of(operator), app, operator.notion)
    assert is_operator(thief)
    operator.submit("/operator/sign-out")
    assert not is_operator(operator)
    assert not is_operator(thief)


def test_a_person_who_signs_out_is_not_the_operator_any_more(ada: Person, app: Flask) -> None:
    sign_in_as_operator(ada)
    thief = with_copy_of(cookie_of(ada), app, ada.notion)
    ada.submit("/auth/sign-out")
    assert not is_operator(ada)
    assert not is_operator(thief)


def test_the_operators_sign_in_lasts_twelve_hours(operator: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    let_pass(monkeypatch, timedelta(hours=11, minutes=59))
    assert is_operator(operator)
    let_pass(monkeypatch, timedelta(hours=12))
    assert not is_operator(operator)
    assert operator.submit("/operator/webhooks/start-over").status_code == 403


def test_another_key_ends_the_operators_session(operator: Person) -> None:
    (Path(os.environ["SVP_HOME"]) / "operator.key").write_text("another")
    assert not is_operator(operator)


def test_the_session_of_a_person_is_not_the_operators_and_the_other_way_round(
    ada: Person, app: Flask, store: Store
) -> None:
    assert not is_operator(ada)
    operator = Person(app, ada.notion)
    sign_in_as_operator(operator)
    assert not is_signed_in(operator)
    assert ada.submit("/operator/webhooks/start-over").status_code == 403


def dagster_session(web: DagsterWeb) -> dict[str, str]:
    """Sign in to the Dagster UI; return the header with the session."""
    answer = web.send("POST", "/runs", data={"key": OPERATOR_KEY}, headers=HTML)
    return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}


def dagster_status(web: DagsterWeb, session: dict[str, str]) -> int:
    """Return the status of a question that only the operator may ask."""
    return web.send("POST", "/graphql", json={"query": "{ version }"}, headers=session).status_code


def test_signing_out_of_the_dagster_ui_ends_the_session_for_a_copy_of_the_cookie(production_web: DagsterWeb) -> None:
    session, other = dagster_session(production_web), dagster_session(production_web)
    assert 'method="post"' in production_web.send("GET", "/sign-out", headers=session | HTML).text
    assert dagster_status(production_web, session) == 200
    left = production_web.send("POST", "/sign-out", headers=session | HTML)
    assert left.status_code == 303
    assert "Max-Age=0" in left.headers["Set-Cookie"]
    assert dagster_status(production_web, session) == 401
    assert dagster_status(production_web, other) == 200


def test_another_site_can_not_sign_the_operator_out(production_web: DagsterWeb) -> None:
    session = dagster_session(production_web)
    foreign = session | {"Origin": "https://evil.example"}
    assert production_web.send("POST", "/sign-out", headers=foreign).status_code == 403
    assert dagster_status(production_web, session) == 200


def test_what_is_open_is_closed_when_its_session_ends(production_web: DagsterWeb) -> None:
    session = dagster_session(production_web)
    with websocket(production_web, **session) as connected:
        connected.send(json.dumps({"type": "connection_init"}))
        assert json.loads(connected.recv(timeout=TIMEOUT_S)) == {"type": "connection_ack"}
        production_web.send("POST", "/sign-out", headers=session)
        with pytest.raises(ConnectionClosed) as closed:
            connected.recv(timeout=TIMEOUT_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the present."""
        return self.now_s


@pytest.mark.parametrize(("hours", "status"), [(11.99, 200), (12, 401)])
def test_a_sign_in_to_the_dagster_ui_lasts_twelve_hours_however_often_it_is_used(hours: float, status: int) -> None:
    clock = Clock()
    app = SignIn(PlainTextResponse("the UI"), OPERATOR_KEY, clock=clock)

    async def look() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://dagster.example") as browser:
            await browser.post("/", data={"key": OPERATOR_KEY})
            assert COOKIE in browser.cookies
            clock.now_s += 3600 * (hours - 1)
            assert (await browser.get("/")).status_code == 200
            clock.now_s += 3600
            return (await browser.get("/")).status_code

    assert asyncio.run(look()) == status


def test_a_socket_is_closed_when_its_session_expires() -> None:
    clock = Clock()

    async def idle(_scope: object, receive: object, send: object) -> None:
        await asyncio.Event().wait()

    app = SignIn(idle, OPERATOR_KEY, clock=clock)
    token = app._sessions.begin()
    clock.now_s += 12 * 3600 - 0.1
    scope = {"type": "websocket", "path": "/graphql", "headers": [(b"cookie", f"{COOKIE}={token}".encode())]}
    sent: list[object] = []

    async def look() -> None:
        async def send(message: object) -> None:
            sent.append(message)

        await asyncio.wait_for(app(scope, asyncio.Event().wait, send), timeout=10)  # type: ignore[arg-type]

    asyncio.run(look())
    assert sent == [{"type": "websocket.close", "code": 1008}]
