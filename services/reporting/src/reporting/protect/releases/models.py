"""Releases: the service's own record of which periods were closed, signed off and published.

`joint_cubes` (of closed periods, and of their spans), their cells and `releases` are write-once for the run-time role:
a closed period has exactly one rounding (R4).
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

joint_cubes = sa.Table(
    "joint_cubes",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("population", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("period_start", sa.Date, nullable=False),
    sa.Column("period_end", sa.Date, nullable=False),
    sa.Column("k", sa.Integer, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("schema_fingerprint", sa.LargeBinary(32), nullable=False),
    # The reviewed definition at closing, because a cube is always read with its own codes.
    sa.Column("definition", pg.JSONB, nullable=False),
    sa.Column("cells_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("closed_by", sa.Text, nullable=False),
    sa.UniqueConstraint("population", "period", name="joint_cubes_write_once"),
)

joint_cells = sa.Table(
    "joint_cells",
    METADATA,
    sa.Column("cube_id", sa.Uuid, sa.ForeignKey("joint_cubes.id"), primary_key=True),
    sa.Column("coordinates", sa.ARRAY(sa.Text), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

releases = sa.Table(
    "releases",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("programme", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("period_start", sa.Date, nullable=False),
    sa.Column("period_end", sa.Date, nullable=False),
    sa.Column("k", sa.Integer, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("schema_fingerprint", sa.LargeBinary(32), nullable=False),
    # The view of the joint cube at closing, because a release is always read with its own codes.
    sa.Column("definition", pg.JSONB, nullable=False),
    sa.Column("cube_id", sa.Uuid, sa.ForeignKey("joint_cubes.id"), nullable=False),
    sa.Column("expected_errors", pg.JSONB, nullable=False),
    sa.Column("cells_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("closed_by", sa.Text, nullable=False),
    sa.UniqueConstraint("programme", "period", name="releases_write_once"),
)

sign_offs = sa.Table(
    "sign_offs",
    METADATA,
    sa.Column("release_id", sa.Uuid, sa.ForeignKey("releases.id"), primary_key=True),
    sa.Column("organisation_id", sa.Uuid, primary_key=True),
    # NULL until the contributor signs, or the IM officer waives the signature with a reason.
    sa.Column("signed_at", sa.DateTime(timezone=True)),
    sa.Column("signed_by", sa.Text),
    sa.Column("waived_because", sa.Text),
)

publications = sa.Table(
    "publications",
    METADATA,
    sa.Column("release_id", sa.Uuid, sa.ForeignKey("releases.id"), primary_key=True),
    sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
)
