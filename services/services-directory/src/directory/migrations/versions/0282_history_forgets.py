"""History forgets where a house was that is restricted by now, and nothing else: of a restricted place no address is to be
stored, and rows outlive in backups and copies what the API tells of them."""

from alembic import context, op

revision = "0282"
down_revision = "0281"
branch_labels = None
depends_on = None

# As hsds.visibility._NEVER_STORED.
_MEMBERS = "latitude|longitude|addresses|transportation|external_identifier"


def upgrade() -> None:
    # `at`: a JSON pointer to what is compared, as far as it is known. What is absent is NULL.
    op.execute(f"""
        CREATE OR REPLACE FUNCTION ruta_forgets(at text, before jsonb, after jsonb) RETURNS boolean
        LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN
            IF before IS NOT DISTINCT FROM after
                OR after IS NULL AND at ~ '/location/({_MEMBERS})(/|$)' THEN
                RETURN true;
            ELSIF at ~ '/location/pcode$' THEN
                RETURN coalesce(length(after #>> '{{}}') < length(before #>> '{{}}'), false);
            ELSIF jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object' THEN
                RETURN NOT EXISTS (SELECT FROM jsonb_object_keys(after) AS key WHERE NOT before ? key)
                    AND (SELECT bool_and(ruta_forgets(at || '/' || key, before->key, after->key))
                         FROM jsonb_object_keys(before) AS key);
            ELSIF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' THEN
                RETURN jsonb_array_length(before) = jsonb_array_length(after)
                    AND (SELECT bool_and(ruta_forgets(at || '/' || i, before->i, after->i))
                         FROM generate_series(0, jsonb_array_length(before) - 1) AS i);
            END IF;
            RETURN false;
        END $$
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION history_only_forgets() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            at text := CASE OLD.kind WHEN 'location' THEN '/location' ELSE '' END || OLD.pointer;
        BEGIN
            IF ruta_forgets(at, OLD.old, NEW.old) AND ruta_forgets(at, OLD.new, NEW.new) THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'history stays as it was written: it only forgets where a place is that was closed'
                USING ERRCODE = 'restrict_violation';
        END $$
    """)
    op.execute("""
        CREATE OR REPLACE TRIGGER history_only_forgets BEFORE UPDATE ON history
        FOR EACH ROW EXECUTE FUNCTION history_only_forgets()
    """)
    role = context.config.attributes["run_time_role"]
    op.execute(f"GRANT UPDATE (old, new) ON history TO {role}")
    # What was closed before: the worker stores it anew at its start, and its history forgets then.
    op.execute("""
        UPDATE services SET restricted = NULL WHERE jsonb_path_exists(restricted, '$.hidden.* ? (@ == 3)')
    """)


def downgrade() -> None:
    role = context.config.attributes["run_time_role"]
    op.execute(f"REVOKE UPDATE (old, new) ON history FROM {role}")
    op.execute("DROP TRIGGER history_only_forgets ON history")
    op.execute("DROP FUNCTION history_only_forgets")
    op.execute("DROP FUNCTION ruta_forgets")
