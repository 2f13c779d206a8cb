"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Words are told apart by the spaces that `store/library/words.py` puts between them: the tokenizer `ascii` leaves all
# letters beyond ASCII as they are, and `array_to_tsvector` takes no text apart.
SEARCH = {
    "sqlite": [
        "CREATE VIRTUAL TABLE outcome_search USING fts5"
        "(words, content='outcomes', content_rowid='id', detail=none, columnsize=0, tokenize='ascii')",
        # Whether the index still has words of outcomes that are gone (`store/library/library.py`).
        "CREATE TABLE outcome_search_unmerged (yes INTEGER PRIMARY KEY)",
        "CREATE TRIGGER outcome_search_added AFTER INSERT ON outcomes BEGIN "
        "INSERT INTO outcome_search(rowid, words) VALUES (new.id, new.words); END",
        "CREATE TRIGGER outcome_search_deleted AFTER DELETE ON outcomes BEGIN "
        "INSERT INTO outcome_search(outcome_search, rowid, words) VALUES ('delete', old.id, old.words); "
        "INSERT OR IGNORE INTO outcome_search_unmerged VALUES (1); END",
        "CREATE TRIGGER outcome_search_changed AFTER UPDATE OF id, words ON outcomes BEGIN "
        "INSERT INTO outcome_search(outcome_search, rowid, words) VALUES ('delete', old.id, old.words); "
        "INSERT OR IGNORE INTO outcome_search_unmerged VALUES (1); "
        "INSERT INTO outcome_search(rowid, words) VALUES (new.id, new.words); END",
    ],
    "postgresql": [
        "CREATE INDEX outcome_search ON outcomes USING gin (array_to_tsvector(string_to_array(words, ' ')))"
    ],
}


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bot_id", sa.String(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("workspace_name", sa.String(), nullable=False),
        sa.Column("workspace_icon", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("owner_name", sa.String(), nullable=False),
        sa.Column("access_token", sa.String(), nullable=True),
        sa.Column("refresh_token", sa.String(), nullable=True),
        sa.Column("refresh_lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("output_language", sa.String(), nullable=False),
        sa.Column("monthly_budget_usd", sa.Double(), nullable=True),
        sa.Column("digest_home_id", sa.String(), nullable=True),
        sa.Column("digest_home_title", sa.String(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("bot_id", name=op.f("uq_connections_bot_id")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_connections_issuer_subject")),
    )
    op.create_table(
        "contents",
        sa.Column("media_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recipe", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("media_key", "kind", "recipe", name=op.f("pk_contents")),
    )
    with op.batch_alter_table("contents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contents_created_at"), ["created_at"], unique=False)

    op.create_table(
        "deletions",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("partition_keys", sa.JSON(), nullable=False),
        sa.Column("page_ids", sa.JSON(), nullable=False),
        sa.Column("access_token", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_deletions")),
    )
    op.create_table(
        "platforms",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("failing", sa.JSON(), nullable=False),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("on_trial", sa.Boolean(), nullable=False),
        sa.Column("paused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canary_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canaries", sa.Integer(), nullable=False),
        sa.Column("canary_problem", sa.String(), nullable=False),
        sa.Column("good_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("downloader", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_platforms")),
    )
    op.create_table(
        "addresses",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_addresses")),
    )
    op.create_table(
        "alerts",
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cause", name=op.f("pk_alerts")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=True),
        sa.Column("account_name", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_sign_ins_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sign_ins")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_ins_connection_id"), ["connection_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_ins_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "tallies",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("labels", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_tallies")),
    )
    op.create_table(
        "deleted_subjects",
        sa.Column("subject_hash", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject_hash", name=op.f("pk_deleted_subjects")),
    )
    with op.batch_alter_table("deleted_subjects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deleted_subjects_deleted_at"), ["deleted_at"], unique=False)

    op.create_table(
        "unknown_answers",
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service", "status", "kind", name=op.f("pk_unknown_answers")),
    )
    op.create_table(
        "webhook_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_tokens")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_api_tokens_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "content_databases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("database_id", sa.String(), nullable=False),
        sa.Column("data_source_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("schema", sa.JSON(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_content_databases_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_databases")),
        sa.UniqueConstraint("connection_id", "tag", name=op.f("uq_content_databases_connection_id_tag")),
    )
    with op.batch_alter_table("content_databases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_content_databases_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=True),
        sa.Column("page_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_ledger_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_at", ["at", "cost_usd"], unique=False)
        batch_op.create_index("ix_ledger_month", ["connection_id", "at", "cost_usd"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_page_id"), ["page_id"], unique=False)

    op.create_table(
        "reservations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_reservations_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservations_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "digests",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("page_id", sa.String(), nullable=False),
        sa.Column("page_url", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_digests_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "week", name=op.f("pk_digests")),
    )
    op.create_table(
        "link_databases",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("database_id", sa.String(), nullable=False),
        sa.Column("data_source_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("schema", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backlog", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("webhook_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("poll_failures", sa.Integer(), nullable=False),
        sa.Column("poll_problem", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_link_databases_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_link_databases")),
    )
    with op.batch_alter_table("link_databases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_databases_data_source_id"), ["data_source_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_databases_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_databases_requested_at"), ["requested_at"], unique=False)

    op.create_table(
        "link_entries",
        sa.Column("page_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("partition_key", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("link_url", sa.String(), nullable=True),
        sa.Column("platform", sa.String(), nullable=True),
        sa.Column("post_id", sa.String(), nullable=True),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("processing_type", sa.String(), nullable=False),
        sa.Column("has_row", sa.Boolean(), nullable=False),
        sa.Column("last_edited_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("synced_version", sa.Integer(), nullable=False),
        sa.Column("is_unsynced", sa.Boolean(), sa.Computed("synced_version < version", persisted=True), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("media_key", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("stage_seconds", sa.JSON(), nullable=False),
        sa.Column("engines", sa.JSON(), nullable=False),
        sa.Column("content_page_id", sa.String(), nullable=True),
        sa.Column("content_page_url", sa.String(), nullable=True),
        sa.Column("content_data_source_id", sa.String(), nullable=True),
        sa.Column("made_for", sa.String(), nullable=True),
        sa.Column("redo_id", sa.String(), nullable=True),
        sa.Column("redo_outcome", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_link_entries_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_link_entries")),
        sa.UniqueConstraint("content_page_id", name=op.f("uq_link_entries_content_page_id")),
        sa.UniqueConstraint("partition_key", name=op.f("uq_link_entries_partition_key")),
    )
    with op.batch_alter_table("link_entries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_link_entries_direct",
            ["has_row", "status", "connection_id"],
            unique=False,
            sqlite_where=sa.text("has_row = 0"),
            postgresql_where=sa.text("has_row = false"),
        )
        batch_op.create_index(
            batch_op.f("ix_link_entries_holder"),
            ["holder"],
            unique=False,
            sqlite_where=sa.text("holder IS NOT NULL"),
            postgresql_where=sa.text("holder IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_link_entries_media_key"), ["media_key"], unique=False)
        batch_op.create_index("ix_link_entries_recent", ["connection_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_entries_redo_id"), ["redo_id"], unique=False)
        batch_op.create_index(
            "ix_link_entries_retry",
            ["connection_id", "retry_at"],
            unique=False,
            sqlite_where=sa.text("retry_at IS NOT NULL"),
            postgresql_where=sa.text("retry_at IS NOT NULL"),
        )
        batch_op.create_index("ix_link_entries_status", ["status", "updated_at"], unique=False)
        batch_op.create_index(
            "ix_link_entries_unsynced",
            ["is_unsynced", "updated_at"],
            unique=False,
            sqlite_where=sa.text("is_unsynced = 1"),
            postgresql_where=sa.text("is_unsynced = true"),
        )

    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("page_id", sa.String(), nullable=False),
        sa.Column("video", sa.JSON(), nullable=False),
        sa.Column("transcript", sa.JSON(), nullable=False),
        sa.Column("screen_text", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["link_entries.page_id"],
            name=op.f("fk_outcomes_page_id_link_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint("page_id", name=op.f("uq_outcomes_page_id")),
    )
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outcomes_made_at"), ["made_at"], unique=False)
    for statement in SEARCH[op.get_context().dialect.name]:
        op.execute(statement)

    op.create_table(
        "redos",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_redos_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redos")),
    )
    with op.batch_alter_table("redos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_redos_connection_id"), ["connection_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_redos_finished_at"), ["finished_at"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_sessions_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "content_uses",
        sa.Column("page_id", sa.String(), nullable=False),
        sa.Column("media_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recipe", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["media_key", "kind", "recipe"],
            ["contents.media_key", "contents.kind", "contents.recipe"],
            name="fk_content_uses_contents",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["link_entries.page_id"],
            name=op.f("fk_content_uses_page_id_link_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("page_id", "media_key", "kind", "recipe", name=op.f("pk_content_uses")),
    )
    with op.batch_alter_table("content_uses", schema=None) as batch_op:
        batch_op.create_index("ix_content_uses_content", ["media_key", "kind", "recipe"], unique=False)

    op.create_table(
        "uploads",
        sa.Column("page_id", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("storage_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["link_entries.page_id"],
            name=op.f("fk_uploads_page_id_link_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_uploads")),
    )


def downgrade() -> None:
    op.drop_table("uploads")
    with op.batch_alter_table("content_uses", schema=None) as batch_op:
        batch_op.drop_index("ix_content_uses_content")

    op.drop_table("content_uses")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_connection_id"))

    op.drop_table("sessions")
    with op.batch_alter_table("redos", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_redos_finished_at"))
        batch_op.drop_index(batch_op.f("ix_redos_connection_id"))

    op.drop_table("redos")
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outcomes_made_at"))

    op.drop_table("outcomes")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE outcome_search")
    with op.batch_alter_table("link_entries", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_link_entries_unsynced",
            sqlite_where=sa.text("is_unsynced = 1"),
            postgresql_where=sa.text("is_unsynced = true"),
        )
        batch_op.drop_index("ix_link_entries_status")
        batch_op.drop_index(
            "ix_link_entries_retry",
            sqlite_where=sa.text("retry_at IS NOT NULL"),
            postgresql_where=sa.text("retry_at IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_link_entries_redo_id"))
        batch_op.drop_index("ix_link_entries_recent")
        batch_op.drop_index(batch_op.f("ix_link_entries_media_key"))
        batch_op.drop_index(
            batch_op.f("ix_link_entries_holder"),
            sqlite_where=sa.text("holder IS NOT NULL"),
            postgresql_where=sa.text("holder IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_link_entries_direct",
            sqlite_where=sa.text("has_row = 0"),
            postgresql_where=sa.text("has_row = false"),
        )

    op.drop_table("link_entries")
    with op.batch_alter_table("link_databases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_databases_requested_at"))
        batch_op.drop_index(batch_op.f("ix_link_databases_due_at"))
        batch_op.drop_index(batch_op.f("ix_link_databases_data_source_id"))

    op.drop_table("link_databases")
    op.drop_table("digests")
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reservations_connection_id"))

    op.drop_table("reservations")
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_page_id"))
        batch_op.drop_index("ix_ledger_month")
        batch_op.drop_index("ix_ledger_at")

    op.drop_table("ledger")
    with op.batch_alter_table("content_databases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_content_databases_connection_id"))

    op.drop_table("content_databases")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_connection_id"))

    op.drop_table("api_tokens")
    op.drop_table("webhook_tokens")
    with op.batch_alter_table("deleted_subjects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deleted_subjects_deleted_at"))

    op.drop_table("deleted_subjects")
    op.drop_table("tallies")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_ins_expires_at"))
        batch_op.drop_index(batch_op.f("ix_sign_ins_connection_id"))

    op.drop_table("sign_ins")
    op.drop_table("unknown_answers")
    op.drop_table("alerts")
    op.drop_table("addresses")
    op.drop_table("platforms")
    op.drop_table("deletions")
    with op.batch_alter_table("contents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contents_created_at"))

    op.drop_table("contents")
    op.drop_table("connections")
