"""The three services in one app, and what steers them all.

    GET/DELETE  /_sandbox/ledger    what would have been charged, per service
    POST        /_sandbox/latency   {"openai": 2.5, "gemini": 4, "vision": 0.8}: seconds that a call takes
    POST/DELETE /_sandbox/models    {"retire": ["whisper-1"]}: as on the day after their shutdown
    POST        /_sandbox/reset     as new: no scripts, faults, records, charges, retired models or latency

Scripts: `/_sandbox/speech`, `/_sandbox/gemini`, `/_sandbox/vision`. Faults and records: `sandbox.faults`.
"""

import time
from pathlib import Path

from flask import Flask, Response, jsonify, request

from sandbox.ai import gemini, openai
from sandbox.ai.gemini import GeminiScript, gemini_api
from sandbox.ai.ledger import Ledger
from sandbox.ai.openai import openai_api
from sandbox.ai.refusals import Refused
from sandbox.ai.scripts import Scripts
from sandbox.ai.speech import SpeechScript
from sandbox.ai.vision import VisionScript, vision_api
from sandbox.faults import CONTROL, FaultPlan, install
from sandbox.recorder import Recorder
from sandbox.serving import Served, serve


def create_app(
    *,
    faults: FaultPlan | None = None,
    recorder: Recorder | None = None,
    ledger: Ledger | None = None,
    latency_s: dict[str, float] | None = None,
) -> Flask:
    """The app; hand in what the test wants to look at or steer in-process.

    `latency_s` holds the seconds that a carried-out call takes, by `openai`, `gemini` and `vision`.
    """
    app = Flask(__name__)
    faults, recorder, ledger = faults or FaultPlan(), recorder or Recorder(), ledger or Ledger()
    install(app, faults=faults, recorder=recorder)
    latency_s, retired = dict(latency_s or {}), set[str]()
    speech, summaries, pictures = Scripts(SpeechScript), Scripts(GeminiScript), Scripts(VisionScript)

    @app.before_request
    def take_time() -> None:
        if not request.path.startswith(CONTROL):
            time.sleep(latency_s.get(request.blueprint or "", 0))

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> tuple[Response, int]:
        return jsonify(refused.body), refused.status

    @app.post("/_sandbox/reset")
    def reset() -> Response:
        for kept in (faults, recorder, ledger, latency_s, retired, speech, summaries, pictures):
            kept.clear()
        return Response(status=204)

    app.register_blueprint(openai_api(ledger=ledger, retired=retired, scripts=speech))
    app.register_blueprint(gemini_api(ledger=ledger, retired=retired, scripts=summaries, speech=speech))
    app.register_blueprint(vision_api(ledger=ledger, scripts=pictures))
    _add_model_routes(app, retired=retired)
    _add_control_routes(app, ledger=ledger, latency_s=latency_s, retired=retired)
    return app


def run(port: int, data_dir: Path) -> Served:
    """Serves the app on `port`; the requests are recorded in `data_dir`."""
    return serve(create_app(recorder=Recorder(record_path=data_dir / "ai-requests.jsonl")), port=port)


def _add_model_routes(app: Flask, *, retired: set[str]) -> None:
    """Both services list their models under `/v1/models`: the header of the key tells whose are meant."""

    @app.get("/<any(v1, v1beta):version>/models")
    def list_models(version: str) -> Response:
        if _is_for_gemini(version):
            return gemini.list_models(retired=retired)
        return openai.list_models(retired=retired)

    @app.get("/<any(v1, v1beta):version>/models/<name>")
    def retrieve_model(version: str, name: str) -> Response:
        if _is_for_gemini(version):
            return gemini.retrieve_model(name, version=version, retired=retired)
        return openai.retrieve_model(name, retired=retired)


def _is_for_gemini(version: str) -> bool:
    return version == "v1beta" or "x-goog-api-key" in request.headers


def _add_control_routes(app: Flask, *, ledger: Ledger, latency_s: dict[str, float], retired: set[str]) -> None:
    @app.get("/_sandbox/ledger")
    def show_ledger() -> Response:
        return jsonify(ledger.totals())

    @app.delete("/_sandbox/ledger")
    def clear_ledger() -> Response:
        ledger.clear()
        return Response(status=204)

    @app.post("/_sandbox/latency")
    def set_latency() -> Response:
        latency_s.clear()
        latency_s.update(request.get_json())
        return Response(status=204)

    @app.post("/_sandbox/models")
    def retire_models() -> Response:
        retired.update(request.get_json()["retire"])
        return Response(status=204)

    @app.delete("/_sandbox/models")
    def bring_models_back() -> Response:
        retired.clear()
        return Response(status=204)
