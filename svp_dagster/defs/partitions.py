"""One partition per row of a Link Database. Its key is the row's Notion page id."""

import dagster as dg

link_entries = dg.DynamicPartitionsDefinition(name="link_entries")
