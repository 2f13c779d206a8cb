"""Uploads by API."""

from __future__ import annotations

from flask import Blueprint

from oauth_app import identity
from oauth_app.api.guard import operation
from oauth_app.api.video_schemas import Job, JobAccepted, JobQuery, Jobs, UploadVideo
from oauth_app.description import answers
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.videos import jobs, reception
from oauth_app.videos.streaming import streamed
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_videos", __name__, url_prefix="/api/v1/videos")

TAG = "Uploads"


@blueprint.post("/upload")
@limiter.limit(WRITE_LIMIT)
@streamed
@operation(
    Scope.ADD_LINKS,
    resp=answers(202, JobAccepted, 401, 408, 422),
    tags=[TAG],
    form=UploadVideo,
    validates=False,
)
def upload() -> tuple[JobAccepted, int]:
    """Upload a video, a sound or a picture, to be worked on within seconds.

    A link is added with `POST /api/entries` instead.
    """
    connection = identity.connection()
    return JobAccepted.of(reception.receive(connection, reception.form())), 202


@blueprint.get("/jobs")
@operation(Scope.READ, resp=answers(200, Jobs, 401, 422), tags=[TAG])
def list_jobs(query: JobQuery) -> Jobs:
    """The uploads, newest first. Links are listed by `GET /api/entries`, which has the uploads too."""
    return jobs.page(identity.connection(), query)


@blueprint.get("/jobs/<job_id>")
@operation(Scope.READ, resp=answers(200, Job, 401, 404), tags=[TAG])
def show_job(job_id: str) -> Job:
    """One upload, and what came out of it once it is completed."""
    return jobs.show(identity.connection(), job_id)


@blueprint.delete("/jobs/<job_id>")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(204, None, 401, 404), tags=[TAG])
def delete_job(job_id: str) -> tuple[str, int]:
    """Delete an upload with its file and all that was made of it. A page in Notion stays."""
    jobs.delete(identity.connection(), job_id)
    return "", 204
