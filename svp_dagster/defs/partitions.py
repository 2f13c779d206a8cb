"""One partition per row of a Link Database. Its key is the entry's `partition_key` (`store/partition_keys.py`)."""

import dagster as dg

link_entries = dg.DynamicPartitionsDefinition(name="link_entries")
