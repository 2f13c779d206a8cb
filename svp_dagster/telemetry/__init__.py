"""Logs, tallies and traces: what an installation says about itself while it works."""
