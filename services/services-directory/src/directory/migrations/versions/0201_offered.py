"""What is offered where is found by one index: a need together with a place."""

from alembic import op

revision = "0201"
down_revision = "0200"
branch_labels = None
depends_on = None

_LEVELS = range(4)


def upgrade() -> None:
    # `need>area`: served or sited somewhere in it; `need<area`: served whole. The cost keeps PostgreSQL
    # from asking row by row what the index knows.
    op.execute("""
        CREATE OR REPLACE FUNCTION ruta_offered(categories text[], areas text[], within_areas text[])
        RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
        DECLARE
            found text[] := '{}';
            need text;
            area text;
        BEGIN
            FOREACH need IN ARRAY categories LOOP
                FOREACH area IN ARRAY within_areas LOOP
                    found := found || (need || '>' || area);
                END LOOP;
                FOREACH area IN ARRAY areas LOOP
                    found := found || (need || '<' || area);
                END LOOP;
            END LOOP;
            RETURN found;
        END $$
    """)
    # A partitioned table takes no concurrent index, its partitions do: beside the traffic. What an attempt
    # that was broken off has left is made anew.
    with op.get_context().autocommit_block():
        for level in _LEVELS:
            name = f"service_documents_{level}_offered"
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                f"CREATE INDEX CONCURRENTLY {name} ON service_documents_{level}"
                " USING gin (ruta_offered(categories, areas, within_areas))"
            )
            # It is only asked for values that no plan knows: nothing is sampled for it.
            op.execute(f"ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS 0")


def downgrade() -> None:
    for level in _LEVELS:
        op.execute(f"DROP INDEX service_documents_{level}_offered")
    op.execute("DROP FUNCTION ruta_offered")
