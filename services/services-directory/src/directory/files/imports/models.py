"""Tables for imports and their row reports."""

import sqlalchemy as sa
from common.db.endings import REPORTS_KEPT, Ending
from sqlalchemy.dialects import postgresql as pg

from directory.tables import METADATA

IMPORTS = sa.Table(
    "imports",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("principal", pg.JSONB, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("file_size", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("options", pg.JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("rows_expected", sa.Integer),
    sa.Column("rows_read", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rows_accepted", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rows_changed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rows_refused", sa.Integer, nullable=False, server_default="0"),
    sa.Column("services_created", sa.Integer, nullable=False, server_default="0"),
    sa.Column("services_updated", sa.Integer, nullable=False, server_default="0"),
    sa.Column("services_unchanged", sa.Integer, nullable=False, server_default="0"),
    sa.Column("notes", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("fidelity", pg.JSONB(none_as_null=True)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
)

IMPORT_ROWS = sa.Table(
    "import_rows",
    METADATA,
    sa.Column("import_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("service_id", sa.Uuid),
    sa.Column("outcome", sa.Text),
    sa.Column("notes", pg.JSONB, nullable=False),
)

# Deleting an import also deletes its rows.
ENDING = Ending(IMPORTS, IMPORTS.c.finished_at, REPORTS_KEPT)
