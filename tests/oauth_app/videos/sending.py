"""Forms with files, as browsers and scripts send them."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from svp_dagster.models import JsonObject
from tests.media.making import CLIPS
from tests.oauth_app.people import Person

UPLOAD, JOBS = "/api/v1/videos/upload", "/api/v1/videos/jobs"
CLIP = CLIPS / "pasta_small.mp4"
BOUNDARY = "svp-test"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
END = f"\r\n--{BOUNDARY}--\r\n".encode()


def field(name: str, value: str) -> bytes:
    """Return a field of a form, with what is before it."""
    return f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def file_part(content: bytes, *, filename: str = "clip.mp4", name: str = "file") -> bytes:
    """Return a file of a form, with what is before it."""
    head = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return f"{head}Content-Type: video/mp4\r\n\r\n".encode() + content


def form(content: bytes, *, filename: str = "clip.mp4", **fields: str) -> bytes:
    """Return a whole form with one file."""
    return b"".join(field(*each) for each in fields.items()) + file_part(content, filename=filename) + END


def send(person: Person, body: bytes, *, content_type: str = FORM, path: str = UPLOAD) -> TestResponse:
    """Send a form as a signed-in person whose browser runs our script."""
    return person.client.post(path, data=body, content_type=content_type, headers={"X-CSRFToken": person.csrf})


def upload(person: Person, content: bytes | None = None, *, filename: str = "clip.mp4", **fields: str) -> str:
    """Upload a file. Return the id of its job."""
    answer = send(person, form(CLIP.read_bytes() if content is None else content, filename=filename, **fields))
    assert answer.status_code == 202, answer.text
    accepted: Any = answer.json
    return str(accepted["job_id"])


def refused(answer: TestResponse) -> tuple[int, str]:
    """Return the status and the name of a refusal, which has the one shape."""
    problem: JsonObject = dict(answer.json or {})
    assert set(problem) == {"error", "message", "entry_id", "timestamp", "retry_count", "details", "choices"}, (
        answer.text
    )
    assert problem["message"].endswith((".", "!")), problem
    return answer.status_code, str(problem["error"])
