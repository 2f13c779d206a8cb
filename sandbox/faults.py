"""What goes wrong on demand.

A `FaultPlan` decides, a `Recorder` remembers, `install` hooks both into a Flask app and lets another
process steer them:

    GET    /_sandbox/requests   {"requests": [RequestRecord, …]}, in the order of arrival
    DELETE /_sandbox/requests   forgets them
    GET    /_sandbox/faults     {"faults": [{"fault": Fault, "seen": n, "injected": n}, …]}
    POST   /_sandbox/faults     adds one: the fields of `Fault`
    DELETE /_sandbox/faults     removes all
"""

import json
import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flask import Flask, Response, g, jsonify, request
from pydantic import ConfigDict, TypeAdapter, ValidationError, field_validator
from pydantic.dataclasses import dataclass as validated_dataclass

from sandbox import bombs
from sandbox.recorder import Recorder
from sandbox.serving import hang_up

CONTROL = "/_sandbox/"
_GARBAGE = {
    "html": ("<!doctype html><html><body><h1>Welcome</h1></body></html>", "text/html; charset=utf-8"),
    "broken_json": ('{"object": "list", "results": [{"id": "3f', "application/json"),
}


@validated_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Fault:
    """One thing that goes wrong with the requests that it matches.

    Matching: `method` (None: any) and `path`, a regular expression searched in the path. The first `after`
    matches pass; of the others each is hit with `probability`, `times` times at most (None: always).

    Effect: an answer of `status`, `headers` and `body` (JSON or text), or `garbage` in a 200, or a `bomb`, or `cut`,
    which closes the connection before any byte of the answer or in the middle of its body; each `delay_s` later.
    A delay alone delays the true answer.

    `when="before"`: the request has no effect. `when="after"`: it is carried out, then its answer is lost.
    """

    path: str = ""
    method: str | None = None
    times: int | None = 1
    probability: float = 1.0
    after: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay_s: float = 0.0
    cut: Literal["before_answer", "mid_answer"] | None = None
    garbage: Literal["html", "broken_json"] | None = None
    bomb: bombs.Bomb | None = None
    when: Literal["before", "after"] = "before"
    name: str = "fault"

    @field_validator("path")
    @classmethod
    def _path_is_a_regular_expression(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return path

    @property
    def replaces_answer(self) -> bool:
        """False for a mere delay."""
        return any(effect is not None for effect in (self.status, self.cut, self.garbage, self.bomb))

    def matches(self, *, method: str, path: str) -> bool:
        """Whether the fault is meant for such a request, its counters aside."""
        return self.method in (None, method) and re.search(self.path, path) is not None


@dataclass
class _Planned:
    fault: Fault
    seen: int = 0
    injected: int = 0


class FaultPlan:
    """The faults to inject, asked in the order in which they were added: the first that hits is taken.

    Thread-safe. The same `seed` and the same order of requests give the same faults.
    """

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._planned = [_Planned(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Adds `fault` behind the others."""
        with self._lock:
            self._planned.append(_Planned(fault))

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._planned.clear()

    def take(self, *, method: str, path: str) -> Fault | None:
        """The fault that hits this request, counted as injected."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.matches(method=method, path=path) and self._hits(planned):
                    return planned.fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """Every fault with how many requests it saw and how many it hit."""
        with self._lock:
            return [asdict(planned) for planned in self._planned]

    def _hits(self, planned: _Planned) -> bool:
        fault = planned.fault
        planned.seen += 1
        if planned.seen <= fault.after or planned.injected == fault.times:
            return False
        if self._random.random() >= fault.probability:
            return False
        planned.injected += 1
        return True


def install(app: Flask, *, faults: FaultPlan, recorder: Recorder) -> None:
    """Hooks both into `app` and adds the control routes. Call it before any other hook is registered."""

    @app.before_request
    def record_and_fail_before() -> Response | None:
        if request.path.startswith(CONTROL):
            return None
        g.record = recorder.arrived()
        g.fault = fault = faults.take(method=request.method, path=request.path)
        if fault is None or fault.when == "after":
            return None
        if not fault.replaces_answer:
            time.sleep(fault.delay_s)
            return None
        return Response()  # exchanged for the fault's own below

    @app.after_request
    def record_and_fail_after(answer: Response) -> Response:
        if "record" not in g:
            return answer
        fault: Fault | None = g.fault
        if fault is not None and fault.replaces_answer:
            answer = _faulty(fault, answer)
        lost = fault is not None and fault.cut == "before_answer"
        recorder.answered(g.record, status=None if lost else answer.status_code, fault=fault.name if fault else None)
        if fault is not None and (fault.replaces_answer or fault.when == "after"):
            time.sleep(fault.delay_s)
        if lost:
            hang_up(request.environ)
        return answer

    _add_control_routes(app, faults=faults, recorder=recorder)


def _add_control_routes(app: Flask, *, faults: FaultPlan, recorder: Recorder) -> None:
    @app.get("/_sandbox/requests")
    def list_requests() -> Response:
        return jsonify(requests=[record.as_json() for record in recorder.requests])

    @app.delete("/_sandbox/requests")
    def forget_requests() -> Response:
        recorder.clear()
        return Response(status=204)

    @app.get("/_sandbox/faults")
    def list_faults() -> Response:
        return jsonify(faults=faults.as_json())

    @app.post("/_sandbox/faults")
    def add_fault() -> Response:
        try:
            fault = TypeAdapter(Fault).validate_json(request.get_data())
        except ValidationError as error:
            return Response(error.json(include_url=False), status=400, mimetype="application/json")
        faults.add(fault)
        return Response(status=201)

    @app.delete("/_sandbox/faults")
    def remove_faults() -> Response:
        faults.clear()
        return Response(status=204)


def _faulty(fault: Fault, answer: Response) -> Response:
    """The answer that `fault` puts in the place of `answer`, which is the app's own if it ran."""
    if fault.garbage is not None or fault.status is not None or fault.bomb is not None:
        answer.close()
    if fault.bomb is not None:
        answer = bombs.answer(fault.bomb)
    elif fault.garbage is not None:
        text, content_type = _GARBAGE[fault.garbage]
        answer = Response(text, status=200, content_type=content_type)
    elif fault.status is not None:
        is_text = isinstance(fault.body, str)
        text = fault.body if is_text else "" if fault.body is None else json.dumps(fault.body)
        answer = Response(text, status=fault.status, mimetype="text/plain" if is_text else "application/json")
    answer.headers.update(fault.headers)
    return _cut_in_half(answer) if fault.cut == "mid_answer" else answer


def _cut_in_half(answer: Response) -> Response:
    """Announces the whole body, sends half of it and hangs up."""
    answer.direct_passthrough = False  # a file that is sent from the disk can be cut too
    body = answer.get_data() or b"{}"
    environ = request.environ

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        hang_up(environ)
        raise ConnectionAbortedError

    cut = Response(half(), status=answer.status_code, content_type=answer.content_type)
    cut.content_length = len(body)
    return cut
