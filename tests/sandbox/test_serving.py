import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask, request

from sandbox.faults import Fault, FaultPlan, install
from sandbox.recorder import Recorder
from sandbox.serving import Served, serve


class Shop:
    """An app that keeps what was posted, with a plan of faults and a recorder."""

    def __init__(self, *faults: Fault, seed: int = 0, record_path: Path | None = None) -> None:
        self.plan = FaultPlan(*faults, seed=seed)
        self.recorder = Recorder(record_path=record_path)
        self.kept: list[object] = []
        self.app = Flask(__name__)
        install(self.app, faults=self.plan, recorder=self.recorder)
        self.app.post("/things")(self._keep)
        self.app.get("/things")(lambda: {"things": self.kept, "padding": "x" * 500})

    def _keep(self) -> dict[str, int]:
        self.kept.append(request.get_json(silent=True) or request.content_length)
        return {"count": len(self.kept)}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with serve(shop.app) as served:
        yield served


def test_a_served_app_answers_at_once_and_is_gone_after_the_block(shop: Shop) -> None:
    with serve(shop.app) as served:
        assert httpx.get(f"{served.url}/things").json()["things"] == []
        assert served.url == f"http://127.0.0.1:{served.port}"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/things")
    served.stop()


def test_stopping_ends_connections_that_are_still_open(shop: Shop) -> None:
    with serve(shop.app) as served, socket.create_connection(("127.0.0.1", served.port), timeout=5) as client:
        head = ["POST /things HTTP/1.1", "Content-Type: application/json", "Content-Length: 9", "Expect: 100-continue"]
        client.sendall("\r\n".join([*head, "", ""]).encode())
        received = client.recv(100)  # the server says to go on and waits for a body
        served.stop()
        while more := client.recv(100):
            received += more
    assert b"100 Continue" in received
    assert b"200" not in received


def test_a_taken_port_is_an_error_of_the_caller(shop: Shop, served: Served) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(shop.app, port=served.port)


def test_requests_leave_no_line_on_stderr(shop: Shop, served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    httpx.get(f"{served.url}/things")
    assert capfd.readouterr().err == ""


def test_a_fault_before_keeps_the_request_from_having_an_effect(shop: Shop, served: Served) -> None:
    shop.plan.add(Fault(method="POST", path="^/things$", status=429, headers={"Retry-After": "3"}, body={"wait": True}))
    refused = httpx.post(f"{served.url}/things", json={"n": 1})
    assert (refused.status_code, refused.headers["retry-after"], refused.json()) == (429, "3", {"wait": True})
    assert shop.kept == []
    assert httpx.post(f"{served.url}/things", json={"n": 2}).json() == {"count": 1}


def test_a_fault_after_loses_the_answer_of_a_request_that_worked(shop: Shop, served: Served) -> None:
    shop.plan.add(Fault(method="POST", cut="before_answer", when="after", name="lost"))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{served.url}/things", json={"n": 1})
    assert shop.kept == [{"n": 1}]
    assert [(record.status, record.fault) for record in shop.recorder.requests] == [(None, "lost")]


def test_an_answer_can_break_off_in_the_middle(shop: Shop, served: Served) -> None:
    shop.plan.add(Fault(cut="mid_answer", when="after"))
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        httpx.get(f"{served.url}/things")


@pytest.mark.parametrize(("garbage", "start"), [("html", "<!doctype"), ("broken_json", '{"object"')])
def test_garbage_comes_in_a_200(shop: Shop, served: Served, garbage: str, start: str) -> None:
    shop.plan.add(Fault(garbage=garbage))  # type: ignore[arg-type]
    answer = httpx.get(f"{served.url}/things")
    assert answer.status_code == 200
    assert answer.text.startswith(start)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_slow_answer_outlasts_a_short_timeout_though_the_request_worked(shop: Shop, served: Served) -> None:
    shop.plan.add(Fault(delay_s=0.6, when="after"))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{served.url}/things", json={"n": 1}, timeout=0.2)
    assert shop.kept == [{"n": 1}]


def test_a_delay_alone_gives_the_true_answer_later(shop: Shop, served: Served) -> None:
    shop.plan.add(Fault(delay_s=0.1))
    answer = httpx.post(f"{served.url}/things", json={"n": 1})
    assert answer.json() == {"count": 1}
    assert answer.elapsed.total_seconds() >= 0.1


def test_a_fault_skips_its_first_matches_and_ends_after_its_times(shop: Shop, served: Served) -> None:
    shop.plan.add(Fault(path="things", status=500, after=1, times=2))
    assert [httpx.get(f"{served.url}/things").status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_the_same_seed_gives_the_same_faults() -> None:
    def hits(seed: int) -> list[bool]:
        plan = FaultPlan(Fault(status=503, probability=0.5, times=None), seed=seed)
        return [plan.take(method="GET", path="/") is not None for _ in range(64)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 16 < sum(hits(1)) < 48


def test_requests_are_recorded_without_secrets(shop: Shop, served: Served) -> None:
    headers = {"Authorization": "Bearer top-secret", "Notion-Version": "2026-03-11"}
    httpx.post(f"{served.url}/things?key=top-secret&page=2", json={"n": 1}, headers=headers)
    httpx.post(f"{served.url}/things", content=b"\x00" * 1000)
    httpx.post(f"{served.url}/things", data={"model": "m"}, files={"file": ("a.mp3", b"abc")})
    as_json, binary, form = shop.recorder.requests
    assert (as_json.method, as_json.path, as_json.body, as_json.status) == ("POST", "/things", {"n": 1}, 200)
    assert as_json.query["page"] == ["2"]
    assert as_json.headers["notion-version"] == "2026-03-11"
    assert as_json.headers["authorization"].startswith("Bearer sha256:")
    assert "top-secret" not in repr(shop.recorder.requests)
    assert (binary.body, binary.body_bytes) == (None, 1000)
    assert form.body == {"model": "m", "file": "a.mp3"}


def test_very_long_texts_are_recorded_by_their_length(shop: Shop, served: Served) -> None:
    httpx.post(f"{served.url}/things", json={"image": ["a" * 200_000]})
    assert shop.recorder.requests[0].body == {"image": ["<200000 characters>"]}


def test_records_are_appended_to_the_file(tmp_path: Path) -> None:
    shop = Shop(record_path=tmp_path / "requests.jsonl")
    with serve(shop.app) as served:
        httpx.get(f"{served.url}/things")
        httpx.get(f"{served.url}/nothing")
    records = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert [(record["path"], record["status"]) for record in records] == [("/things", 200), ("/nothing", 404)]


def test_another_process_can_steer_faults_and_read_records(served: Served) -> None:
    with httpx.Client(base_url=served.url) as control:
        assert control.post("/_sandbox/faults", json={"path": "things", "status": 503}).status_code == 201
        assert control.get("/things").status_code == 503
        assert control.get("/_sandbox/faults").json()["faults"][0]["injected"] == 1
        assert [record["status"] for record in control.get("/_sandbox/requests").json()["requests"]] == [503]
        control.post("/_sandbox/faults", json={"status": 503})
        control.delete("/_sandbox/faults")
        control.delete("/_sandbox/requests")
        assert control.get("/things").status_code == 200
        assert len(control.get("/_sandbox/requests").json()["requests"]) == 1


@pytest.mark.parametrize("fault", [{"pathh": "x"}, {"path": "("}, {"cut": "sometimes"}, {"times": "many"}, "no object"])
def test_a_wrong_fault_is_refused_by_the_control_route(served: Served, fault: object) -> None:
    assert httpx.post(f"{served.url}/_sandbox/faults", json=fault).status_code == 400


def _start(*arguments: str, data: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "sandbox", "ai", "--data", str(data), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
    assert address is not None
    return process, address[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    process, url = _start(data=tmp_path / "new")
    with process:
        assert httpx.get(f"{url}/_sandbox/ledger").json() == {}
        process.send_signal(number)
        assert process.wait(10) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/_sandbox/ledger")


def test_the_command_stops_when_its_parent_is_gone(tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'sandbox', 'ai', '--with-parent', '--data', sys.argv[1]],"
        " stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline())\n"
    )
    done = subprocess.run([sys.executable, "-c", starter, str(tmp_path)], capture_output=True, text=True, check=True)
    pid = int(done.stdout.split()[0])
    deadline = time.monotonic() + 10
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
