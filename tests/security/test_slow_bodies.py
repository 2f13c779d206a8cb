"""Clients that send or read slowly, or never come to an end, keep nobody else waiting."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask, request

from oauth_app.serving.deadlines import Deadlines
from tests.security.app_web import AppWeb, app_web, connect, dripping, exchange, read_all, served

pytestmark = pytest.mark.slow

SOON_S = 2.0
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /webhooks/notion HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n{"
CHUNKS = b"POST /webhooks/notion HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"
IMPATIENT = Deadlines(head_s=0.5, body_s=0.5, piece_s=0.5)
LONG_BYTES = 30_000_000
LONGEST_BODY = 500_000


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppWeb]:
    """The app as it is started."""
    with app_web(tmp_path_factory.mktemp("app")) as started:
        yield started


@pytest.fixture(scope="module")
def small_app() -> Flask:
    """An app whose answers are easy to tell apart."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY

    @app.route("/echo", methods=["GET", "POST"])
    def echo() -> str:
        return f"{request.method} {len(request.get_data())} {request.headers.get('X-Forwarded-For', 'nobody')}"

    @app.get("/long")
    def long() -> bytes:
        return b"x" * LONG_BYTES

    @app.get("/later")
    def later() -> str:
        time.sleep(1)
        return "done"

    return app


@pytest.mark.parametrize("beginning", [b"G", HEAD, BODY, CHUNKS], ids=["one byte", "head", "body", "chunks"])
@pytest.mark.parametrize("count", [40, 200])
def test_connections_that_drip_keep_nobody_waiting(web: AppWeb, beginning: bytes, count: int) -> None:
    with dripping(web.port, beginning=beginning, count=count):
        time.sleep(0.5)
        assert max(web.health_s() for _ in range(5)) < SOON_S


def test_connections_that_read_nothing_keep_nobody_waiting(web: AppWeb) -> None:
    asked = b"GET /static/vendor/pico-classless-2.1.1.min.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
    connections = [connect(web.port) for _ in range(40)]
    for connection in connections:
        connection.sendall(asked)
    time.sleep(0.5)
    waited_s = max(web.health_s() for _ in range(5))
    for connection in connections:
        connection.close()
    assert waited_s < SOON_S


@pytest.mark.parametrize("beginning", [b"G", b"", HEAD], ids=["one byte", "nothing", "head"])
def test_a_head_that_drips_in_is_cut_off(small_app: Flask, beginning: bytes) -> None:
    with served(small_app, deadlines=IMPATIENT) as port, dripping(port, beginning=beginning, count=1) as (slow,):
        began = time.monotonic()
        assert read_all(slow) == b""
        assert time.monotonic() - began < SOON_S


def test_the_next_head_on_a_connection_has_a_deadline_too(small_app: Flask) -> None:
    beginning = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"GET /echo HTTP/1.1\r\nX-Slow: "
    with served(small_app, deadlines=IMPATIENT) as port, dripping(port, beginning=beginning, count=1) as (slow,):
        began = time.monotonic()
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")
        assert read_all(slow) == b""
        assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("beginning", [BODY, CHUNKS], ids=["body", "chunks"])
def test_a_body_that_drips_in_is_answered_and_cut_off(small_app: Flask, beginning: bytes) -> None:
    with served(small_app, deadlines=IMPATIENT) as port, connect(port) as slow:
        began = time.monotonic()
        slow.sendall(beginning)
        answer = read_all(slow)
        assert time.monotonic() - began < SOON_S
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer


def test_an_answer_that_is_not_read_is_cut_off(small_app: Flask) -> None:
    with served(small_app, deadlines=IMPATIENT) as port, connect(port) as slow:
        slow.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(SOON_S)
        assert len(read_all(slow)) < LONG_BYTES


def test_an_answer_that_is_read_bit_by_bit_arrives(small_app: Flask) -> None:
    deadlines = Deadlines(piece_s=1)
    with served(small_app, deadlines=deadlines) as port, connect(port) as patient:
        patient.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = 0
        for _ in range(15):
            time.sleep(0.1)
            received += len(patient.recv(1_000_000))
        received += len(read_all(patient))
    assert received > LONG_BYTES


def test_a_connection_may_be_used_again(small_app: Flask) -> None:
    with served(small_app, deadlines=IMPATIENT) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.post("/echo", content=b"abc").text == "POST 3 nobody"
            time.sleep(IMPATIENT.head_s * 1.2)


def test_requests_that_are_sent_at_once_are_answered_in_order(small_app: Flask) -> None:
    both = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx"
    last = b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with served(small_app, deadlines=IMPATIENT) as port:
        answers = exchange(port, both + last).decode()
    assert answers.index("POST 2") < answers.index("GET 0")


@pytest.mark.parametrize("headers", [b"Content-Length: 5000000", b"Transfer-Encoding: chunked"])
def test_a_body_that_is_too_long_is_refused_before_it_has_arrived(small_app: Flask, headers: bytes) -> None:
    chunk = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"
    sent = b"POST /echo HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n" + (chunk * 8 if b"chunked" in headers else b"")
    with served(small_app, deadlines=IMPATIENT) as port:
        answer = exchange(port, sent)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


@pytest.mark.parametrize("length", [0, 5, LONGEST_BODY])
def test_a_body_is_read_to_its_end(small_app: Flask, length: int) -> None:
    with served(small_app, deadlines=Deadlines()) as port:
        for body in (b"x" * length, iter([b"x" * (length // 2), b"x" * (length - length // 2)])):
            answer = httpx.post(f"http://127.0.0.1:{port}/echo", content=body)
            assert answer.text == f"POST {length} nobody"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: -1",
        b"Content-Length: +5",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding : chunked",
        b"Host: b",
    ],
)
def test_a_request_that_two_programs_may_understand_differently_is_refused(small_app: Flask, headers: bytes) -> None:
    sent = b"POST /echo HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
    with served(small_app, deadlines=IMPATIENT) as port:
        answer = exchange(port, sent)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_header_with_an_underscore_does_not_pass_for_a_proxys(small_app: Flask) -> None:
    with served(small_app, deadlines=IMPATIENT) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/echo", headers={"X_Forwarded_For": "198.51.100.1"})
    assert answer.text == "GET 0 nobody"


def test_head_has_the_headers_and_no_body(web: AppWeb) -> None:
    answer = exchange(web.port, b"HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert re.search(rb"content-length: [1-9]\d", head.lower())
    assert body == b""


@pytest.mark.parametrize("length", [20_000, 2_000_000])
def test_a_very_long_query_or_header_does_no_harm(web: AppWeb, length: int) -> None:
    for head in (b"GET /?q=%s HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX-Long: %s\r\n"):
        sent = head % (b"x" * length) + b"Host: a\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # closed before all was sent
            assert exchange(web.port, sent).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))
    assert web.health_s() < SOON_S


def test_what_is_under_way_ends_before_the_server_does(small_app: Flask) -> None:
    with served(small_app, deadlines=IMPATIENT) as port:
        under_way = connect(port)
        under_way.sendall(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
    with under_way:
        assert read_all(under_way).endswith(b"done")


def test_connections_that_drip_do_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with app_web(tmp_path) as web, dripping(web.port, beginning=HEAD, count=20):
        began = time.monotonic()
        web.child.process.terminate()
        web.child.process.wait(timeout=15)
        assert time.monotonic() - began < 5
