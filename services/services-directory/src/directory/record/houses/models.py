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
    # The words by which it may be a house, as it was stored last.
    sa.Column("words", TEXTS, nullable=False),
    # Those of them that a file said in cells that no field holds.
    sa.Column("heard", TEXTS, nullable=False, server_default="{}"),
    # The entry is shown without its place.
    sa.Column("held", sa.Boolean, nullable=False),
    # Somebody has to look.
    sa.Column("waiting", sa.Boolean, nullable=False),
    sa.Column("since", INSTANT, nullable=False),
    # What somebody said who looked, and the words that they saw; NULL: nobody has looked.
    sa.Column("is_house", sa.Boolean),
    sa.Column("seen_words", TEXTS, nullable=False, server_default="{}"),
    sa.Column("looked_by", sa.Text),
    sa.Column("looked_at", INSTANT),
)
