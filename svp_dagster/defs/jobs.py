"""The job: five ops, one stage each, for one row."""

import dagster as dg

from svp_dagster import pools
from svp_dagster.defs.metadata import of_page, of_screen_text, of_summary, of_transcript, of_video
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.stage import stage_run
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.media.thumbnail import small_jpeg
from svp_dagster.models import ContentPage, PageOptions, ScreenText, Status, Summary, Transcript, Video
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
from svp_dagster.summary import stage as summarize_stage


@dg.op(out={"video": dg.Out(), "destination": dg.Out()}, pool=pools.DOWNLOAD)
def download(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    downloader: dg.ResourceParam[Downloader],
    work_folder: dg.ResourceParam[WorkFolder],
    site_rules: dg.ResourceParam[SiteRules],
    kept_media: dg.ResourceParam[KeptMedia],
) -> tuple[Video, Destination]:
    """Check where the page goes, and fetch the post with its captions, cover and facts."""
    with stage_run(context, link_rows, Status.DOWNLOADING) as stage:
        destination, post = stage.row.preflight(), stage.row.post
        link = stage.row.link
        video = stage.row.kept_post() or fetch_post(
            post,
            store=link_rows.store,
            connection_id=link.connection_id,
            rules=site_rules,
            downloader=downloader,
            pace=SitePace(link_rows.store, site_rules).of_row(link.connection_id, link.page_id),
            kept=kept_media,
            folder=work_folder.path,
        )
        thumbnail = small_jpeg(video.cover_path) if video.cover_path else None
        stage.report("video", of_video(video, thumbnail), media_key=video.media_key, title=video.title)
        stage.row.keep_thumbnail(video, thumbnail)
        keep_facts(stage.contents, video)
        return video, destination


# Before `read_screen`, which is not paid for if this fails.
@dg.op(pool=pools.SPEECH, tags={"dagster/priority": "1"})
def transcribe(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    speech: dg.ResourceParam[SpeechEngine],
    work_folder: dg.ResourceParam[WorkFolder],
    video: Video,
) -> Transcript:
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
        return transcript


@dg.op(pool=pools.SCREEN)
def read_screen(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    screen_reader: dg.ResourceParam[ScreenReader],
    work_folder: dg.ResourceParam[WorkFolder],
    video: Video,
) -> ScreenText:
    """Read the text on the screen. What can't be read is a note on the page, never a failure of the run."""
    with stage_run(context, link_rows, Status.PROCESSING) as stage:
        screen_text = read_screen_stage.read_screen(
            video,
            processing_type=stage.row.link.processing_type,
            reader=screen_reader,
            contents=stage.contents,
            meter=stage.meter,
            folder=work_folder.path,
        )
        stage.report("screen_text", of_screen_text(screen_text), engine=screen_text.source)
        return screen_text


@dg.op(pool=pools.SUMMARY)
def summarize(
    context: dg.OpExecutionContext,
    link_rows: dg.ResourceParam[LinkRows],
    summarizer: dg.ResourceParam[Summarizer],
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    destination: Destination,
) -> Summary:
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
        return summary


@dg.op
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
) -> ContentPage:
    """Create the content page, or update the one that exists."""
    with stage_run(context, link_rows, Status.SAVING) as stage:
        stage.row.require_unchanged()
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
        stage.row.complete(destination)
        return page


@dg.job(
    partitions_def=link_entries,
    executor_def=dg.in_process_executor,
    description="Turn a link entry into a content page. Launch it for a partition, or a backfill for many, to make "
    "pages again; a page that exists is updated in place. Terminate a run to end its row.",
    tags={
        # A killed run starts again from its first stage: its files are gone, and what was paid for is kept by content.
        "dagster/max_retries": "2",
        "dagster/retry_strategy": "ALL_STEPS",
        "dagster/retry_on_asset_or_op_failure": "false",
    },
)
def process_link() -> None:
    """Turn a link entry into a content page."""
    video, destination = download()
    transcript = transcribe(video)
    screen_text = read_screen(video)
    summary = summarize(video, transcript, screen_text, destination)
    publish(video, transcript, screen_text, summary, destination)
