"""Creates all tables from `baseline.sql`, which is beside this file, and the policies that decide who sees which rows.
Later revisions expand them."""

from alembic import context, op
from common.db.migrations.statements import execute

revision = "0001"
down_revision = None

_OWN = "(SELECT caller_organisation()) = organisation_id"
_COORDINATOR = "(SELECT caller_has_role('coordinator'))"
_PARTY = (
    "from_organisation = (SELECT caller_organisation())"
    " OR (to_organisation = (SELECT caller_organisation()) AND {seen})"
)
_OF_CASE = "EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id)"
_OF_REFERRAL = "EXISTS (SELECT 1 FROM referrals r WHERE r.id = referral_id)"
_OF_REPORT = "EXISTS (SELECT 1 FROM line_reports r WHERE r.id = report_id)"
_DESK = (
    f"{_COORDINATOR} AND aor = ANY (string_to_array(current_setting('ruta.aors', true), ','))"
    " AND (SELECT caller_organisation()) <> ALL (implicated)"
)
_READS = {
    "cases": _OWN,
    "case_lookups": _OWN,
    "implicated_organisations": _OF_CASE,
    "grants": _OWN,
    "exceptions": f"{_OWN} OR {_COORDINATOR}",
    "referrals": _PARTY.format(seen="sent_at IS NOT NULL"),
    "snapshots": (
        "EXISTS (SELECT 1 FROM referrals r WHERE r.id = referral_id AND"
        " (r.from_organisation = (SELECT caller_organisation()) OR (revoked_at IS NULL"
        " AND (readable_until IS NULL OR readable_until > now()))))"
    ),
    "referral_steps": _OF_REFERRAL,
    "timers": _OF_REFERRAL,
    "escalations": _OF_REFERRAL,
    "transfers": _PARTY.format(seen="true"),
    "notices": _OWN,
    "tasks": _OWN,
    "service_team": _OWN,
    "audit_entries": f"{_OWN} OR (SELECT caller_has_role('auditor'))",
    "webhooks": _OWN,
    "webhook_deliveries": _OWN,
    "answer_links": _OWN,
    "break_glass": (
        f"{_OWN} OR (SELECT caller_organisation()) = holder_organisation_id OR {_COORDINATOR}"
    ),
    "line_reports": f"({_DESK}) OR (SELECT caller_organisation()) = handed_to",
    "line_messages": _OF_REPORT,
    "line_exceptions": f"{_OWN} OR {_OF_REPORT}",
    "plan_items": _OF_CASE,
    "assistance": _OF_CASE,
    "case_reviews": _OF_CASE,
    "case_entries": _OF_CASE,
    "case_routes": _OF_CASE,
    "match_consents": _OF_CASE,
    "match_tokens": _OF_CASE,
    "case_matches": "EXISTS (SELECT 1 FROM cases c WHERE c.id IN (case_a, case_b))",
    "channels": _OWN,
    "pings": _OWN,
    "on_call": _OWN,
    "codes_asked": _OWN,
    "restores": "false",  # read only on behalf of the person, when a consent ends
    "late_calls": "false",  # written by one organisation about another, which the use case checks
}
_READS_AND_WRITES_OWN = {
    "instruments": f"{_OWN} OR shared",
    "instrument_retirements": f"{_OWN} OR for_all",
    "screenings": _OWN,
    "intake_forms": _OWN,
    "intake_submissions": _OWN,
    "intake_records": _OWN,
    "trainings": f"{_OWN} OR {_COORDINATOR}",
    "certificates": f"{_OWN} OR {_COORDINATOR}",
}
# One party writes these for the other party to read, so the service checks the row instead of its owner.
_WRITTEN_FOR_OTHERS = ("notices", "tasks", "audit_entries")


def upgrade() -> None:
    execute(op, "referrals", "baseline.sql", role=context.config.attributes["run_time_role"])
    # Before this check, nothing is known about the clock.
    op.execute("INSERT INTO clock_looks (one, at, believed_from) VALUES (true, now(), now())")
    for table, visible in {**_READS, **_READS_AND_WRITES_OWN}.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        writable = (
            f" WITH CHECK ({_OWN} OR (SELECT acts_as_service()))"
            if table in _READS_AND_WRITES_OWN
            else ""
        )
        op.execute(
            f"CREATE POLICY visible ON {table} USING ({visible} OR (SELECT acts_as_service())){writable}"
        )
    for table in _WRITTEN_FOR_OTHERS:
        op.execute(f"CREATE POLICY addressed ON {table} FOR INSERT WITH CHECK (true)")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
