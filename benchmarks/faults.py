"""What goes wrong in a soak: for each outside service every way in which its stand-in can fail, and what that explains.

Each kind of fault names the failures (`svp_dagster.errors.Code`) that a row may end with, or wait for, because of it:
those and no others. Faults that a run must overcome without a word, a late answer for example, explain none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from svp_dagster.errors import Code

SHARE = 0.2
"""Of each service's calls, how many are hit."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to fail. `effect` are fields of `sandbox.faults.Fault`; `path` narrows it down."""

    name: str
    effect: dict[str, Any]
    explains: frozenset[Code] = frozenset()
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Service:
    """An outside service: the stand-in that plays it, the paths of its calls, and its kinds of faults.

    `paid_as` is its name in the store's ledger.
    """

    name: str
    stand_in: str
    path: str
    kinds: tuple[Kind, ...]
    paid_as: str = ""
    by_name: dict[str, Kind] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {self.label(kind): kind for kind in self.kinds})

    def label(self, kind: Kind) -> str:
        """The fault's name in the stand-in's records."""
        return f"{self.name}: {kind.name}"

    def faults(self, *, share: float = SHARE) -> Iterator[dict[str, Any]]:
        """The plan: each call is hit with the probability `share`, by each kind equally often.

        The first fault that hits is taken, so each needs a greater probability than the one before.
        """
        each = share / len(self.kinds)
        for number, kind in enumerate(self.kinds):
            yield {
                "path": kind.path or self.path,
                "times": None,
                "probability": each / (1 - number * each),
                "name": self.label(kind),
                **kind.effect,
            }


def _status(status: int, body: Any = None, **headers: str) -> dict[str, Any]:
    return {"status": status, "body": body, "headers": {name.replace("_", "-"): text for name, text in headers.items()}}


def _openai(status: int, code: str | None, message: str) -> dict[str, Any]:
    return _status(status, {"error": {"message": message, "type": code or "server_error", "param": None, "code": code}})


def _google(code: int, status: str, message: str, **detail: Any) -> dict[str, Any]:
    return _status(code, {"error": {"code": code, "status": status, "message": message, "details": [detail]}})


def _notion(status: int, code: str, **headers: str) -> dict[str, Any]:
    return _status(
        status, {"object": "error", "status": status, "code": code, "message": "It can't be done now."}, **headers
    )


_CUT = {"cut": "before_answer"}
_CUT_IN_THE_MIDDLE = {"cut": "mid_answer", "when": "after"}
_CUT_AFTER_IT_WAS_DONE = {"cut": "before_answer", "when": "after"}
_HTML = {"garbage": "html"}
_BROKEN_JSON = {"garbage": "broken_json"}
_LATE = {"delay_s": 1.0}

_UNREACHABLE = frozenset({Code.SERVICE_UNREACHABLE})
_SITE_DOWN = frozenset({Code.SITE_UNREACHABLE})
_UNREADABLE_SITE = frozenset(
    {
        Code.SITE_CHANGED,
        Code.ROBOT_SUSPECTED,
        Code.POST_UNAVAILABLE,
        Code.MEDIA_WRONG_KIND,
        Code.MEDIA_UNREADABLE,
        Code.NO_MEDIA,
    }
)
"""A page that can't be understood, or a file that is something else: no picture, say, where it is all there is."""
_NO_ANSWER = frozenset({Code.NOTION_UNREACHABLE})

SITES = Service(
    name="sites",
    stand_in="media",
    path="",
    kinds=(
        Kind(name="429", effect=_status(429, Retry_After="1"), explains=frozenset({Code.RATE_LIMITED})),
        # Instagram answers so to those who ask too often, TikTok to addresses that it doesn't like.
        Kind(name="403", effect=_status(403), explains=frozenset({Code.ADDRESS_BLOCKED, Code.RATE_LIMITED})),
        Kind(name="404", effect=_status(404), explains=frozenset({Code.GONE, Code.NO_MEDIA})),
        Kind(name="500", effect=_status(500), explains=_SITE_DOWN),
        Kind(name="503", effect=_status(503, Retry_After="1"), explains=_SITE_DOWN),
        Kind(name="cut", effect=_CUT, explains=_SITE_DOWN),
        Kind(name="cut in the middle", effect=_CUT_IN_THE_MIDDLE, explains=_SITE_DOWN),
        Kind(name="cut after it was done", effect=_CUT_AFTER_IT_WAS_DONE, explains=_SITE_DOWN),
        Kind(name="late", effect=_LATE),
        Kind(name="html", effect=_HTML, explains=_UNREADABLE_SITE),
        Kind(name="broken json", effect=_BROKEN_JSON, explains=_UNREADABLE_SITE),
    ),
)

SPEECH = Service(
    name="speech",
    stand_in="ai",
    path="^/v1/audio/",
    paid_as="speech",
    kinds=(
        Kind(
            name="429",
            effect=_openai(429, "rate_limit_exceeded", "Slow down.") | {"headers": {"Retry-After": "1"}},
            explains=_UNREACHABLE,
        ),
        Kind(
            name="429 quota",
            effect=_openai(429, "insufficient_quota", "You exceeded your current quota."),
            explains=frozenset({Code.QUOTA_EXHAUSTED}),
        ),
        Kind(name="401", effect=_openai(401, "invalid_api_key", "Bad key."), explains=frozenset({Code.KEY_REJECTED})),
        Kind(
            name="404 model",
            effect=_openai(404, "model_not_found", "No such model."),
            explains=frozenset({Code.MODEL_RETIRED}),
        ),
        Kind(name="500", effect=_openai(500, None, "Oops."), explains=_UNREACHABLE),
        Kind(name="503", effect=_status(503, "upstream connect error"), explains=_UNREACHABLE),
        Kind(
            name="500 after it was done", effect=_openai(500, None, "Oops.") | {"when": "after"}, explains=_UNREACHABLE
        ),
        Kind(name="cut", effect=_CUT, explains=_UNREACHABLE),
        Kind(name="cut in the middle", effect=_CUT_IN_THE_MIDDLE, explains=_UNREACHABLE),
        Kind(name="cut after it was done", effect=_CUT_AFTER_IT_WAS_DONE, explains=_UNREACHABLE),
        Kind(name="late", effect=_LATE),
        Kind(name="html", effect=_HTML, explains=frozenset({Code.SPEECH_FAILED})),
        Kind(name="broken json", effect=_BROKEN_JSON, explains=frozenset({Code.SPEECH_FAILED})),
    ),
)

VISION = Service(
    name="vision",
    stand_in="ai",
    path="images:annotate",
    paid_as="screen",
    # What can't be read is a note on the page, never the row's failure.
    kinds=(
        Kind(name="429", effect=_google(429, "RESOURCE_EXHAUSTED", "Quota exceeded.")),
        Kind(name="403", effect=_google(403, "PERMISSION_DENIED", "Not allowed.")),
        Kind(name="500", effect=_google(500, "INTERNAL", "Oops.")),
        Kind(name="503", effect=_google(503, "UNAVAILABLE", "Down.")),
        Kind(name="500 after it was done", effect=_google(500, "INTERNAL", "Oops.") | {"when": "after"}),
        Kind(name="cut", effect=_CUT),
        Kind(name="cut in the middle", effect=_CUT_IN_THE_MIDDLE),
        Kind(name="cut after it was done", effect=_CUT_AFTER_IT_WAS_DONE),
        Kind(name="late", effect=_LATE),
        Kind(name="html", effect=_HTML),
        Kind(name="broken json", effect=_BROKEN_JSON),
    ),
)

_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
_DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
}
_BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}

GEMINI = Service(
    name="gemini",
    stand_in="ai",
    path=":generateContent",
    paid_as="summary",
    kinds=(
        Kind(name="429", effect=_google(429, "RESOURCE_EXHAUSTED", "Slow down.", **_RETRY_INFO), explains=_UNREACHABLE),
        Kind(
            name="429 quota",
            effect=_google(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", **_DAILY),
            explains=frozenset({Code.QUOTA_EXHAUSTED}),
        ),
        Kind(
            name="400 key",
            effect=_google(400, "INVALID_ARGUMENT", "API key not valid.", **_BAD_KEY),
            explains=frozenset({Code.KEY_REJECTED}),
        ),
        Kind(
            name="404 model",
            effect=_google(404, "NOT_FOUND", "No such model."),
            explains=frozenset({Code.MODEL_RETIRED}),
        ),
        Kind(
            name="blocked",
            effect=_status(200, {"promptFeedback": {"blockReason": "SAFETY"}}),
            explains=frozenset({Code.SUMMARY_BLOCKED}),
        ),
        Kind(name="500", effect=_google(500, "INTERNAL", "Oops."), explains=_UNREACHABLE),
        Kind(name="503", effect=_google(503, "UNAVAILABLE", "Overloaded."), explains=_UNREACHABLE),
        Kind(
            name="500 after it was done",
            effect=_google(500, "INTERNAL", "Oops.") | {"when": "after"},
            explains=_UNREACHABLE,
        ),
        Kind(name="cut", effect=_CUT, explains=_UNREACHABLE),
        Kind(name="cut in the middle", effect=_CUT_IN_THE_MIDDLE, explains=_UNREACHABLE),
        Kind(name="cut after it was done", effect=_CUT_AFTER_IT_WAS_DONE, explains=_UNREACHABLE),
        Kind(name="late", effect=_LATE),
        Kind(name="html", effect=_HTML, explains=_UNREACHABLE),
        Kind(name="broken json", effect=_BROKEN_JSON, explains=_UNREACHABLE),
    ),
)

NOTION = Service(
    name="notion",
    stand_in="notion",
    path="^/v1/",
    # Without 401 and 404: they end the connection, or the row, and so would say little about all that comes after.
    kinds=(
        Kind(
            name="400 page",
            path="^/v1/pages$",
            effect=_status(
                400,
                {
                    "object": "error",
                    "status": 400,
                    "code": "validation_error",
                    "message": "body failed validation: it is not liked.",
                },
            ),
            explains=frozenset({Code.NOTION_REFUSED}),
        ),
        Kind(name="429", effect=_notion(429, "rate_limited", Retry_After="1"), explains=frozenset({Code.NOTION_BUSY})),
        Kind(
            name="529", effect=_notion(529, "service_overload", Retry_After="1"), explains=frozenset({Code.NOTION_BUSY})
        ),
        Kind(name="409", effect=_notion(409, "conflict_error"), explains=_NO_ANSWER),
        Kind(name="500", effect=_notion(500, "internal_server_error"), explains=_NO_ANSWER),
        Kind(
            name="500 after it was done",
            effect=_notion(500, "internal_server_error") | {"when": "after"},
            explains=_NO_ANSWER,
        ),
        Kind(name="502", effect=_status(502, "<html>Bad gateway</html>"), explains=_NO_ANSWER),
        Kind(name="503", effect=_notion(503, "service_unavailable"), explains=_NO_ANSWER),
        Kind(name="504 after it was done", effect=_status(504, "") | {"when": "after"}, explains=_NO_ANSWER),
        Kind(name="cut", effect=_CUT, explains=_NO_ANSWER),
        Kind(name="cut in the middle", effect=_CUT_IN_THE_MIDDLE, explains=_NO_ANSWER),
        Kind(name="cut after it was done", effect=_CUT_AFTER_IT_WAS_DONE, explains=_NO_ANSWER),
        Kind(name="late", effect=_LATE),
        Kind(name="html", effect=_HTML, explains=_NO_ANSWER),
        Kind(name="html after it was done", effect=_HTML | {"when": "after"}, explains=_NO_ANSWER),
        Kind(name="broken json", effect=_BROKEN_JSON, explains=_NO_ANSWER),
    ),
)

SERVICES = (SITES, SPEECH, VISION, GEMINI, NOTION)
