"""The ops of a row, one stage each, and the job that makes its assets (`assets.py`) with them."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from svp_dagster import pools
from svp_dagster.defs import checks
from svp_dagster.defs.alerts import freshness
from svp_dagster.defs.metadata import of_page, of_screen_text, of_summary, of_transcript, of_video
from svp_dagster.defs.stage import stage_run
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia, has_files
from svp_dagster.media.thumbnail import small_jpeg
from svp_dagster.models import Outcome, PageOptions, ScreenText, Status, Summary, Transcript, Video
from svp_dagster.ports import Downloader, ScreenReader, SpeechEngine, Summarizer, SummaryRequest
from svp_dagster.publish import stage as publish_stage
from svp_dagster.rows.destination import Destination
from svp_dagster.rows.fetching import fetch_post
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.redos.kept_posts import keep_facts
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.screen import stage as read_screen_stage
from svp_dagster.speech import stage as transcribe_stage
from svp_dagster.storage.storage import Storage
from svp_dagster.summary import stage as summarize_stage

Made = dg.Output[Any] | dg.AssetCheckResult
"""What an op yields: what it made, and how good it is. The checks need no op of their own, which costs each run."""


@dg.op(out={"video": dg.Out(), "destination": dg.Out()}, pool=pools.DOWNLOAD)
def download(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    downloader: dg.ResourceParam[Downloader],
    work_folder: dg.ResourceParam[WorkFolder],
    site_rules: dg.ResourceParam[SiteRules],
    kept_media: dg.ResourceParam[KeptMedia],
    storage: dg.ResourceParam[Storage],
) -> tuple[Video, Destination]:
    """Check where the page goes, and fetch the post with its captions, cover and facts."""
    with stage_run(context, link_rows, Status.DOWNLOADING) as stage:
        destination, post = stage.row.preflight(), stage.row.post
        link = stage.row.link
        video = fetch_post(
            post,
            store=link_rows.store,
            connection_id=link.connection_id,
            rules=site_rules,
            downloader=downloader,
            pace=SitePace(link_rows.store, site_rules).of_row(link.connection_id, link.page_id),
            kept=kept_media,
            storage=storage,
            folder=work_folder.path,
            known=stage.row.kept_post(),
        )
        thumbnail = small_jpeg(video.cover_path) if video.cover_path else None
        stage.report("video", of_video(video, thumbnail), media_key=video.media_key, title=video.title)
        stage.row.keep_thumbnail(video, thumbnail)
        keep_facts(stage.contents, video)
        return video, destination


# Before `read_screen`, which is not paid for if this fails.
@dg.op(
    out={"transcript": dg.Out(Transcript), **checks.outs("transcript")},
    pool=pools.SPEECH,
    tags={"dagster/priority": "1"},
)
def transcribe(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    speech: dg.ResourceParam[SpeechEngine],
    work_folder: dg.ResourceParam[WorkFolder],
    video: Video,
) -> Iterator[Made]:
    """Transcribe what is said, from the platform's captions or with the speech engine."""
    with stage_run(context, link_rows, Status.TRANSCRIBING) as stage:
        transcript = transcribe_stage.transcribe(
            video,
            processing_type=stage.row.link.processing_type,
            engine=speech,
            contents=stage.contents,
            meter=stage.meter,
            folder=work_folder.path,
        )
        stage.report("transcript", of_transcript(transcript), engine=transcript.source)
    yield dg.Output(transcript, "transcript")
    yield checks.heard(transcript)


@dg.op(out={"screen_text": dg.Out(ScreenText), **checks.outs("screen_text")}, pool=pools.SCREEN)
def read_screen(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    screen_reader: dg.ResourceParam[ScreenReader],
    work_folder: dg.ResourceParam[WorkFolder],
    video: Video,
) -> Iterator[Made]:
    """Read the text on the screen. What can't be read is a note on the page, never a failure of the run."""
    with stage_run(context, link_rows, Status.PROCESSING) as stage:
        screen_text = read_screen_stage.read_screen(
            video,
            processing_type=stage.row.link.processing_type,
            reader=screen_reader,
            contents=stage.contents,
            meter=stage.meter,
            folder=work_folder.path,
            with_sheet=has_files(video),
        )
        seen = small_jpeg(screen_text.sheet.path) if screen_text.sheet else None
        stage.report("screen_text", of_screen_text(screen_text, seen), engine=screen_text.source)
    yield dg.Output(screen_text, "screen_text")
    yield checks.read(screen_text)


@dg.op(out={"summary": dg.Out(Summary), **checks.outs("summary")}, pool=pools.SUMMARY)
def summarize(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    summarizer: dg.ResourceParam[Summarizer],
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    destination: Destination,
) -> Iterator[Made]:
    """Fill the columns of the tag's Content Database."""
    with stage_run(context, link_rows, Status.PROCESSING) as stage:
        request = SummaryRequest(
            video=video,
            transcript=transcript,
            screen_text=screen_text,
            data_schema=destination.columns,
            prompt=destination.prompt,
            language=stage.row.output_language(),
        )
        summary = summarize_stage.summarize(request, engine=summarizer, contents=stage.contents, meter=stage.meter)
        stage.report("summary", of_summary(summary), engine=summary.engine)
    yield dg.Output(summary, "summary")
    yield checks.evidence_checked(summary)
    yield checks.columns_filled(summary, destination.columns)
    yield checks.quotes_support(summary)


@dg.op(out={"content_page": dg.Out(dg.Nothing)})
def publish(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    page_options: dg.ResourceParam[PageOptions],
    work_folder: dg.ResourceParam[WorkFolder],
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    summary: Summary,
    destination: Destination,
) -> None:
    """Keep the outcome in the library, then create the content page or update the one that exists.

    An entry without a tag has no page.
    """
    with stage_run(context, link_rows, Status.SAVING) as stage:
        stage.row.require_unchanged()
        outcome = Outcome(video=video, transcript=transcript, screen_text=screen_text, summary=summary)
        stage.row.keep_outcome(outcome)
        if destination.publishes:
            page = publish_stage.publish(
                video,
                transcript,
                screen_text,
                summary,
                place=stage.row.place(destination),
                pages=stage.row.workspace,
                record_page=lambda page: stage.row.made(page, data_source_id=destination.columns.data_source_id),
                options=page_options,
                folder=work_folder.path,
            )
            stage.report("content_page", of_page(page))
        else:
            stage.report("content_page", {})
        stage.row.complete(destination)
        work_folder.done()


process_link = dg.define_asset_job(
    "process_link",
    # The freshness of all pages is no concern of a row's run, which would say that it failed whenever a row does.
    selection=dg.AssetSelection.groups("link_entries") - dg.AssetSelection.checks(freshness.CHECK_KEY),
    description="Turn a link entry into a content page. Launch it for a partition, or a backfill for many, to make "
    "pages again; a page that exists is updated in place. Terminate a run to end its row.",
    executor_def=dg.in_process_executor,
)
