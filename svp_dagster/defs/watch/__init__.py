"""What Dagster's objects say about their work: to the log, to the tallies and to the trace of a row."""
