"""The Dagster UI for the operator alone: Dagster's own ASGI app behind checks that it lacks."""
