"""A code location of one asset: what is attacked is the web server, and this one loads fast."""

import dagster as dg


@dg.asset
def taken() -> None:
    """Do nothing."""


defs = dg.Definitions(assets=[taken])
