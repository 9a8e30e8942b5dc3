"""The tables for bulletins and for the files of published bulletins."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)

bulletins = sa.Table(
    "bulletins",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    # A correction of a published bulletin is a new edition; the old edition stays readable.
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", pg.JSONB, nullable=False),
    sa.Column("content_sha256", sa.Text, nullable=False),
    sa.Column("drafted_at", _TIME, nullable=False),
    sa.Column("drafted_by", sa.Text, nullable=False),
    sa.Column("signed_off_at", _TIME),
    sa.Column("signed_off_by", sa.Text),
    sa.Column("published_at", _TIME),
    sa.Column("published_by", sa.Text),
    sa.UniqueConstraint("kind", "period", "edition", name="bulletins_once"),
)

bulletin_files = sa.Table(
    "bulletin_files",
    METADATA,
    sa.Column("bulletin_id", sa.Uuid, sa.ForeignKey("bulletins.id"), primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

bulletin_letterheads = sa.Table(
    "bulletin_letterheads",
    METADATA,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("letterhead", pg.JSONB, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

# Open orders; the bulletin itself records completed ones.
bulletin_publications = sa.Table(
    "bulletin_publications",
    METADATA,
    sa.Column("bulletin_id", sa.Uuid, sa.ForeignKey("bulletins.id"), primary_key=True),
    sa.Column("asked_by", sa.Text, nullable=False),
    # The requester's claims, which are checked again when the task runs.
    sa.Column("claims", pg.JSONB(none_as_null=True)),
    sa.Column("asked_at", _TIME, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    # When the order is due or will be retried; NULL once it is done or refused.
    sa.Column("due_at", _TIME),
    sa.Column("done", sa.Integer, nullable=False),
    # A refusal's problem detail.
    sa.Column("problem", pg.JSONB(none_as_null=True)),
)
