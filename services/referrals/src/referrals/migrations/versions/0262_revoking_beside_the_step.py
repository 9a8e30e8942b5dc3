"""What was shared is revoked in the statement that writes the step: a function looks as the service does for that
moment, since to a recipient that declines the revoked row is out of sight at once."""

from alembic import op

revision = "0262"
down_revision = "0242"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION revoke_snapshot(of_referral uuid, at timestamptz) RETURNS void
        LANGUAGE plpgsql AS $$
        DECLARE
            before text := coalesce(current_setting('ruta.as_service', true), '');
        BEGIN
            PERFORM set_config('ruta.as_service', 'on', true);
            UPDATE snapshots SET revoked_at = at
            WHERE referral_id = of_referral AND revoked_at IS NULL;
            PERFORM set_config('ruta.as_service', before, true);
        END
        $$
        """
    )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
