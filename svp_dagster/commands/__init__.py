"""The commands of `svp`, one module each; `svp_dagster.cli` puts them together."""
