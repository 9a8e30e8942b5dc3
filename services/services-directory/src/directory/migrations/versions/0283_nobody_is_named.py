"""What releases before left in stored entries until somebody wrote them again: which person verified a service, and
translations of what is no text."""

from alembic import op

revision = "0283"
down_revision = "0282"
branch_labels = None
depends_on = None

# As documents.prepared._TEXTS.
_TEXTS = (
    "name", "alternate_name", "description", "interpretation_services", "application_process",
    "fees_description", "wait_time", "fees", "accreditations", "eligibility_description", "licenses",
    "alert",
)  # fmt: skip
_BY = "'{verification,by}'"
# Only what somebody verified here names a person: a file's own words for its verifier stay.
VERIFIED = f"""
    UPDATE services s SET restricted = NULL,
        document = CASE WHEN document #>> {_BY} = v.client_id THEN jsonb_set(document, {_BY}, v.by) ELSE document END,
        approved = CASE WHEN approved #>> {_BY} = v.client_id THEN jsonb_set(approved, {_BY}, v.by) ELSE approved END
    FROM (
        SELECT DISTINCT ON (entity_id, client_id) entity_id, client_id, to_jsonb(organisation_id::text) AS by
        FROM history
        WHERE kind = 'service' AND pointer ^@ '/verification' AND source IS NULL AND organisation_id IS NOT NULL
        ORDER BY entity_id, client_id, version DESC
    ) v
    WHERE v.entity_id = s.id AND v.client_id IN (document #>> {_BY}, approved #>> {_BY})
"""
# Stored anew by the worker, as the entries above: no ETag is the one that they will have.
TRANSLATED = f"""
    WITH found AS (
        UPDATE service_documents SET etag = ''
        WHERE EXISTS (
            SELECT FROM jsonb_each(document->'translations') AS translation(language, said),
                        jsonb_object_keys(said) AS member
            WHERE member NOT IN ({", ".join(f"'{each}'" for each in _TEXTS)})
        )
        RETURNING service_id
    )
    UPDATE services SET restricted = NULL WHERE id IN (SELECT service_id FROM found)
"""


def upgrade() -> None:
    op.execute(VERIFIED)
    op.execute(TRANSLATED)


def downgrade() -> None:
    """What was named is not known any more, and nobody needs it."""
