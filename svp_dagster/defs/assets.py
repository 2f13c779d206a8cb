"""The assets of a row and how they come from each other, for the catalogue. The ops of `jobs.py` make them."""

import inspect
from collections.abc import Callable
from typing import Any

import dagster as dg

from svp_dagster.defs import checks, jobs
from svp_dagster.defs.partitions import link_entries
from svp_dagster.download import stage as download_stage
from svp_dagster.models import Value
from svp_dagster.publish import stage as publish_stage
from svp_dagster.screen import stage as read_screen_stage
from svp_dagster.speech import stage as transcribe_stage
from svp_dagster.summary import stage as summarize_stage

GROUP = "link_entries"
OWNERS = ["team:operators"]


class Result(Value):
    """What the catalogue says of an asset: where it comes from, and which functions make it."""

    description: str
    kind: str
    deps: tuple[str, ...] = ()
    code: tuple[Callable[..., Any], ...]


RESULTS = {
    "video": Result(
        description="The downloaded post: what it is, how long, how large.",
        kind="file",
        code=(download_stage.download,),
    ),
    "transcript": Result(
        description="What is said.", kind="text", deps=("video",), code=(transcribe_stage.transcribe,)
    ),
    "screen_text": Result(
        description="What is to be read on the screen.",
        kind="text",
        deps=("video",),
        code=(read_screen_stage.read_screen,),
    ),
    "summary": Result(
        description="The values for the columns of the tag's Content Database, with evidence.",
        kind="json",
        deps=("video", "transcript", "screen_text"),
        code=(summarize_stage.summarize,),
    ),
    "content_page": Result(
        description="The page in Notion.", kind="notion", deps=("summary",), code=(publish_stage.publish,)
    ),
}


@dg.graph(out={name: dg.GraphOut() for name in (*RESULTS, *checks.NAMES)})
def link_entry() -> dict[str, Any]:
    """Turn a link entry into a content page, and measure how good it is."""
    video, destination = jobs.download()
    spoken, shown = jobs.transcribe(video), jobs.read_screen(video)
    summed = jobs.summarize(video, spoken.transcript, shown.screen_text, destination)
    page = jobs.publish(video, spoken.transcript, shown.screen_text, summed.summary, destination)
    made = {**spoken._asdict(), **shown._asdict(), **summed._asdict()}  # with the results of their checks
    return {"video": video, **made, "content_page": page}


@dg.definitions
def assets() -> dg.Definitions:
    """Define the assets of a row. To make one of them makes all: what was paid for is kept by content."""
    made = dg.AssetsDefinition.from_graph(
        link_entry,
        partitions_def=link_entries,
        group_name=GROUP,
        internal_asset_deps={name: {dg.AssetKey(dep) for dep in each.deps} for name, each in RESULTS.items()},
        descriptions_by_output_name={name: each.description for name, each in RESULTS.items()},
        metadata_by_output_name={name: _code_references(each) for name, each in RESULTS.items()},
        tags_by_output_name={name: {f"dagster/kind/{each.kind}": ""} for name, each in RESULTS.items()},
        owners_by_output_name=dict.fromkeys(RESULTS, OWNERS),
        check_specs=checks.SPECS,
    )
    # *Materialize* in the catalogue runs Dagster's own job for all assets, with this executor.
    return dg.Definitions(assets=[made], executor=dg.in_process_executor)


def _code_references(result: Result) -> dict[str, Any]:
    """Return where in this program the result is made."""
    references = [
        dg.LocalFileCodeReference(
            file_path=inspect.getsourcefile(function) or "",
            line_number=inspect.getsourcelines(function)[1],
            label=function.__module__,
        )
        for function in result.code
    ]
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}
