"""Whether a person may be counted is asked anew for each event, also when the recipient of a referral
takes the step: it sees neither consent nor case, so this function looks as the service does."""

from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION reporting_word(of_case uuid) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            before text := coalesce(current_setting('ruta.as_service', true), '');
            found text;
        BEGIN
            PERFORM set_config('ruta.as_service', 'on', true);
            SELECT jsonb_build_object(
                'status', g.status, 'attributes', g.attributes, 'decided_by', g.decided_by,
                'assent', g.child_assent, 'confirmed', g.approved_by IS NOT NULL,
                'valid_until', g.valid_until, 'caregiver', c.caregiver, 'minor', c.minor,
                'case_status', c.status, 'organisation', c.organisation_id,
                'identity', translate(encode(c.identity, 'base64'), E'\\n', '')
            )::text INTO found
            FROM grants g JOIN cases c ON c.id = g.case_id
            WHERE g.case_id = of_case AND g.kind = 'reporting'
            AND g.status IN ('active', 'withdrawn')
            ORDER BY g.status = 'active' DESC, g.id DESC LIMIT 1;
            PERFORM set_config('ruta.as_service', before, true);
            RETURN found;
        END
        $$
        """
    )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
