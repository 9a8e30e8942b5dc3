"""The table of services and organisations that may be safe houses."""

import sqlalchemy as sa

from directory.tables import INSTANT, METADATA, TEXTS

SERVICE = "service"
ORGANIZATION = "organization"

house_looks = sa.Table(
    "house_looks",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid),
    # The words that suggest a safe house, as of the last write.
    sa.Column("words", TEXTS, nullable=False),
    # The part of `words` that an import found in cells that have no field of their own.
    sa.Column("heard", TEXTS, nullable=False, server_default="{}"),
    # Readers see the entry without its place.
    sa.Column("held", sa.Boolean, nullable=False),
    # Somebody has to review it.
    sa.Column("waiting", sa.Boolean, nullable=False),
    sa.Column("since", INSTANT, nullable=False),
    # The reviewer's decision, and the words that the reviewer saw; NULL means not reviewed yet.
    sa.Column("is_house", sa.Boolean),
    sa.Column("seen_words", TEXTS, nullable=False, server_default="{}"),
    sa.Column("looked_by", sa.Text),
    sa.Column("looked_at", INSTANT),
)
