"""The four tables that every service has besides its own: outbox, inbox, dead letters, stored results. The outbox has
the columns of Debezium's outbox event router, so that a change-data-capture pipeline could replace our relay."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg


@dataclass(frozen=True)
class CommonTables:
    outbox: sa.Table
    inbox: sa.Table
    dead_letters: sa.Table
    stored_results: sa.Table


def common_tables(metadata: sa.MetaData) -> CommonTables:
    """Declare the tables in a service's metadata; call this once, in `tables.py`."""
    moment = sa.DateTime(timezone=True)
    return CommonTables(
        outbox=sa.Table(
            "outbox",
            metadata,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("aggregatetype", sa.Text, nullable=False),
            sa.Column("aggregateid", sa.Text, nullable=False),
            sa.Column("type", sa.Text, nullable=False),
            sa.Column("payload", pg.JSONB, nullable=False),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("traceparent", sa.Text),
            sa.Column("occurred_at", moment, nullable=False),
            sa.Column("published_at", moment),
        ),
        inbox=sa.Table(
            "inbox",
            metadata,
            sa.Column("consumer", sa.Text, primary_key=True),
            sa.Column("event_id", sa.Uuid, primary_key=True),
            sa.Column("handled_at", moment, nullable=False),
        ),
        dead_letters=sa.Table(
            "dead_letters",
            metadata,
            sa.Column("consumer", sa.Text, primary_key=True),
            sa.Column("event_id", sa.Text, primary_key=True),
            sa.Column("subject", sa.Text, nullable=False),
            sa.Column("message", sa.LargeBinary, nullable=False),
            sa.Column("error", sa.Text, nullable=False),
            sa.Column("failed_at", moment, nullable=False),
            sa.Column("resolved_at", moment),
        ),
        stored_results=sa.Table(
            "stored_results",
            metadata,
            sa.Column("client_id", sa.Text, primary_key=True),
            sa.Column("route", sa.Text, primary_key=True),
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("fingerprint", sa.LargeBinary, nullable=False),
            sa.Column("result", sa.LargeBinary, nullable=False),
            sa.Column("created_at", moment, nullable=False),
            sa.Column("subject", sa.Uuid),
            sa.Column("concerns", pg.JSONB),
        ),
    )
