"""Answers that a test lays down before the call that is to get them."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError


class Script(BaseModel):
    """One answer, given `times` times (None: from now on)."""

    model_config = ConfigDict(extra="forbid")

    times: int | None = None


S = TypeVar("S", bound=Script)


class Scripts(Generic[S]):
    """Scripts in the order in which they came: the first that suits and is not used up answers. Thread-safe."""

    def __init__(self, kind: type[S]) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._scripts: list[S] = []

    def add(self, script: S) -> None:
        """Adds `script` behind the others."""
        with self._lock:
            self._scripts.append(script)

    def clear(self) -> None:
        """Forgets all scripts."""
        with self._lock:
            self._scripts.clear()

    def take(self, suits: Callable[[S], bool] = lambda _: True) -> S | None:
        """The script for this call, None if the stand-in has to find an answer by itself."""
        with self._lock:
            for place, script in enumerate(self._scripts):
                if not suits(script):
                    continue
                if script.times is not None:
                    self._scripts[place] = script.model_copy(update={"times": script.times - 1})
                    if script.times <= 1:
                        del self._scripts[place]
                return script
        return None

    def all(self) -> list[S]:
        """The scripts that are still to be played."""
        with self._lock:
            return list(self._scripts)


def add_script_routes(api: Blueprint, path: str, scripts: Scripts[S]) -> None:
    """`POST path` lays down a script, `GET` lists, `DELETE` forgets all."""

    def change_scripts() -> Response | tuple[Response, int]:
        if request.method == "GET":
            return jsonify(scripts=[script.model_dump(mode="json") for script in scripts.all()])
        if request.method == "DELETE":
            scripts.clear()
            return Response(status=204)
        try:
            scripts.add(scripts.kind.model_validate_json(request.get_data()))
        except ValidationError as error:
            return Response(error.json(include_url=False), status=400, mimetype="application/json")
        return Response(status=201)

    api.add_url_rule(path, f"scripts:{path}", change_scripts, methods=["GET", "POST", "DELETE"])
