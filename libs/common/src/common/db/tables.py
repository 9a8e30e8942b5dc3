"""The four tables that every service has beside its own: outbox, inbox, dead letters, stored results.

Outbox columns are those of Debezium's outbox event router, so that a change-data-capture
pipeline could replace our relay.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg


@dataclass(frozen=True)
class CommonTables:
    outbox: sa.Table
    inbox: sa.Table
    dead_letters: sa.Table
    stored_results: sa.Table


def common_tables(metadata: sa.MetaData) -> CommonTables:
    """Declare them in a service's metadata (a service calls this once, in `tables.py`)."""
    return CommonTables(
        outbox=sa.Table("outbox", metadata, *_outbox_columns()),
        inbox=sa.Table("inbox", metadata, *_inbox_columns()),
        dead_letters=sa.Table("dead_letters", metadata, *_dead_letter_columns()),
        stored_results=sa.Table(
            "stored_results", metadata, *_stored_result_columns(), *_answer_columns()
        ),
    )


def create_common_tables(op: Any) -> None:
    """Create them in a service's first migration; `op` is `alembic.op`."""
    op.create_table("outbox", *_outbox_columns())
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["occurred_at", "id"],
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table("inbox", *_inbox_columns())
    op.create_table("dead_letters", *_dead_letter_columns())
    op.create_table("stored_results", *_stored_result_columns())
    op.create_index("stored_results_created", "stored_results", ["created_at"])


def let_answers_end(op: Any) -> None:
    """Prepare `stored_results` for answers that end, in a later migration of each service."""
    for column in _answer_columns():
        op.add_column("stored_results", column)
    with op.get_context().autocommit_block():
        op.create_index(
            "stored_results_kept",
            "stored_results",
            ["created_at"],
            postgresql_where=sa.text("result <> ''"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "stored_results_subject",
            "stored_results",
            ["subject"],
            postgresql_where=sa.text("subject IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            "stored_results_created",
            "stored_results",
            postgresql_concurrently=True,
            if_exists=True,
        )


def _outbox_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("aggregatetype", sa.Text, nullable=False),
        sa.Column("aggregateid", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", pg.JSONB, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
    ]


def _inbox_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _dead_letter_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
    ]


def _stored_result_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("route", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _answer_columns() -> list[sa.Column[Any]]:
    return [sa.Column("subject", sa.Uuid), sa.Column("concerns", pg.JSONB)]
