"""The assets of a row, for the catalogue."""

import dagster as dg

from svp_dagster.defs.partitions import link_entries

DESCRIPTIONS = {
    "video": "The downloaded post: what it is, how long, how large.",
    "transcript": "What is said.",
    "screen_text": "What is to be read on the screen.",
    "summary": "The values for the columns of the tag's Content Database, with evidence.",
    "content_page": "The page in Notion.",
}


@dg.definitions
def assets() -> dg.Definitions:
    """Define an external asset per durable result. The job's ops report their materializations."""
    specs = [
        dg.AssetSpec(key, partitions_def=link_entries, description=text, group_name="link_entries")
        for key, text in DESCRIPTIONS.items()
    ]
    return dg.Definitions(assets=specs)
