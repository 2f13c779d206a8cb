"""The job: five ops, one stage each, for one row."""

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from svp_dagster import pools
from svp_dagster.defs.metadata import of_page, of_screen_text, of_summary, of_transcript, of_video
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.stage import StageFailure, stage_run
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download import stage as download_stage
from svp_dagster.models import ContentPage, ScreenText, Status, Summary, Transcript, Video
from svp_dagster.ports import Downloader, ScreenReader, SpeechEngine, Summarizer
from svp_dagster.publish import stage as publish_stage
from svp_dagster.publish.page_style import PageStyle
from svp_dagster.rows.destination import Destination
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.platform_rules import PlatformRules
from svp_dagster.rows.platforms import watched
from svp_dagster.screen import stage as read_screen_stage
from svp_dagster.speech import stage as transcribe_stage
from svp_dagster.summary import stage as summarize_stage

ATTEMPTS = 3
FIRST_DELAY_S = 2.0

repeat = dg.RetryPolicy(
    max_retries=ATTEMPTS - 1, delay=FIRST_DELAY_S, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@dg.op(out={"video": dg.Out(), "destination": dg.Out()}, retry_policy=repeat, pool=pools.DOWNLOAD)
def download(
    context: dg.OpExecutionContext,
    link_rows: LinkRows,
    downloader: dg.ResourceParam[Downloader],
    work_folder: WorkFolder,
    platform_rules: PlatformRules,
) -> tuple[Video, Destination]:
    """Check where the page goes, and fetch the post with its captions, cover and facts."""
    with stage_run(context, link_rows, Status.DOWNLOADING) as stage:
        destination, post = stage.row.preflight(), stage.row.post
        with watched(link_rows.store, stage.row.link.page_id, post, rules=platform_rules):
            video = download_stage.download(post, downloader=downloader, folder=work_folder.path)
        thumbnail = stage.row.keep_thumbnail(video)
        stage.report("video", of_video(video, thumbnail), media_key=video.media_key, title=video.title)
        return video, destination


@dg.op(retry_policy=repeat, pool=pools.SPEECH)
def transcribe(
    context: dg.OpExecutionContext,
    link_rows: LinkRows,
    speech: dg.ResourceParam[SpeechEngine],
    work_folder: WorkFolder,
    video: Video,
) -> Transcript:
    """Hear what is said: platform captions, else the speech engine."""
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


@dg.op(retry_policy=repeat, pool=pools.SCREEN)
def read_screen(
    context: dg.OpExecutionContext,
    link_rows: LinkRows,
    screen_reader: dg.ResourceParam[ScreenReader],
    work_folder: WorkFolder,
    video: Video,
    transcript: Transcript,
) -> ScreenText:
    """Read what is on the screen. Its failure is a note, never the run's."""
    with stage_run(context, link_rows, Status.PROCESSING) as stage:
        read = read_screen_stage.read_screen(
            video,
            processing_type=stage.row.link.processing_type,
            reader=screen_reader,
            contents=stage.contents,
            meter=stage.meter,
            folder=work_folder.path,
        )
        screen_text = read_screen_stage.with_subtitles_marked(read, transcript)
        stage.report("screen_text", of_screen_text(screen_text), engine=screen_text.source)
        return screen_text


@dg.op(retry_policy=repeat, pool=pools.SUMMARY)
def summarize(
    context: dg.OpExecutionContext,
    link_rows: LinkRows,
    summarizer: dg.ResourceParam[Summarizer],
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    destination: Destination,
) -> Summary:
    """Fill the columns of the tag's Content Database."""
    with stage_run(context, link_rows, Status.PROCESSING) as stage:
        summary = summarize_stage.summarize(
            video,
            transcript,
            screen_text,
            schema=destination.columns,
            prompt=destination.prompt,
            language=stage.row.output_language(),
            engine=summarizer,
            contents=stage.contents,
            meter=stage.meter,
        )
        stage.report("summary", of_summary(summary), engine=summary.engine)
        return summary


@dg.op(retry_policy=repeat)
def publish(
    context: dg.OpExecutionContext,
    link_rows: LinkRows,
    page_style: PageStyle,
    work_folder: WorkFolder,
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    summary: Summary,
    destination: Destination,
) -> ContentPage:
    """Create the page, or bring the one that there is up to date."""
    with stage_run(context, link_rows, Status.SAVING) as stage:
        stage.row.require_unchanged()
        page = publish_stage.publish(
            video,
            transcript,
            screen_text,
            summary,
            place=stage.row.place(destination),
            pages=stage.row.workspace,
            made=lambda page: stage.row.made(page, data_source_id=destination.columns.data_source_id),
            appearance=page_style.appearance,
            folder=work_folder.path,
        )
        stage.report("content_page", of_page(page))
        stage.row.complete()
        return page


@dg.failure_hook(required_resource_keys={"link_rows"})
def fail_row(context: dg.HookContext) -> None:
    """After the op's last attempt: the row waits where that may help, or ends with the sentence of what went wrong."""
    if not isinstance(context.op_exception, StageFailure):
        return
    try:
        context.resources.link_rows.fail(context.run_id, context.op_exception.known)
    except SQLAlchemyError as error:
        # Its text can hold an address and values. `killed_runs` does the same once the store answers again.
        context.log.error("the row is not told yet: %s", type(error).__name__)


@dg.job(
    partitions_def=link_entries,
    executor_def=dg.in_process_executor,
    hooks={fail_row},
    tags={
        # A killed run starts again from its first stage: its files are gone, and what was paid for is kept by content.
        "dagster/max_retries": "2",
        "dagster/retry_strategy": "ALL_STEPS",
        "dagster/retry_on_asset_or_op_failure": "false",
    },
)
def process_link() -> None:
    """A link entry becomes a content page."""
    video, destination = download()
    transcript = transcribe(video)
    screen_text = read_screen(video, transcript)
    summary = summarize(video, transcript, screen_text, destination)
    publish(video, transcript, screen_text, summary, destination)
