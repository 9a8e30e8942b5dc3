"""Orders to close or publish a period's programmes, and the parts still open. The releases record everything that was
done, so losing these rows loses nothing."""

import sqlalchemy as sa
from common import clock
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)

closings = sa.Table(
    "closings",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("period_start", sa.Date, nullable=False),
    sa.Column("period_end", sa.Date, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.UniqueConstraint("period", name="closings_once"),
)

closing_steps = sa.Table(
    "closing_steps",
    METADATA,
    sa.Column("closing_id", sa.Uuid, sa.ForeignKey("closings.id"), primary_key=True),
    sa.Column("programme", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    # The last order: 'close' or 'publish'.
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    # The requester's claims, which are checked again when the task runs.
    sa.Column("claims", pg.JSONB(none_as_null=True)),
    sa.Column("attempts", sa.Integer, nullable=False),
    # When the task is due or will be retried; NULL once it is done or refused.
    sa.Column("due_at", _TIME),
    # A refusal's problem detail.
    sa.Column("problem", pg.JSONB(none_as_null=True)),
    sa.Column("changed_at", _TIME, nullable=False, default=clock.now, onupdate=clock.now),
)
