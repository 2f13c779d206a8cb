"""Alembic's entry point: runs on the connection it is handed by `svp_dagster.store.engine.migrate`."""

from typing import Any, Literal

from alembic import context

from svp_dagster.store.engine import VERSION_TABLE
from svp_dagster.store.tables import Base, PlainText, UtcDateTime, is_of_search


def _as_plain_type(kind: str, item: Any, _autogen_context: object) -> str | Literal[False]:
    # A migration must not change when our own types do.
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, PlainText):
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    compare_type=True,
    render_item=_as_plain_type,
    include_name=lambda name, _kind, _parents: not is_of_search(name),
)
with context.begin_transaction():
    context.run_migrations()
