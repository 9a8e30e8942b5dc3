"""Opening hours that hold on some days only are kept with their days: who asks whether a place is open asks with a
date."""

from alembic import op

revision = "0281"
down_revision = "0280"
branch_labels = None
depends_on = None

_SCHEDULES = ("$.schedules[*]", "$.service_at_locations[*].schedules[*]")
# What the release before took for open without looking at it.
_NOT_LOOKED_AT = " || ".join([
    *(
        f"exists(@.{name})"
        for name in (
            "valid_from", "valid_to", "dtstart", "until", "count", "byweekno", "bymonthday", "byyearday",
        )
    ),
    "!exists(@.opens_at)",
    "!exists(@.closes_at)",
    '@.byday like_regex "[0-9]"',
])  # fmt: skip

_FOUND = " OR ".join(f"document @? '{each} ? ({_NOT_LOOKED_AT})'" for each in _SCHEDULES)
# Nobody knows yet when these hold: they are taken for open again once the worker has stored them anew, which it does
# at its start with all that was told less of (`restricted` is NULL).
UNKNOWN = f"""
    WITH unknown AS (
        UPDATE service_documents SET open_minutes = '{{}}', hours_unread = true, etag = ''
        WHERE NOT isempty(open_minutes) AND ({_FOUND})
        RETURNING service_id
    )
    UPDATE services SET restricted = NULL WHERE id IN (SELECT service_id FROM unknown)
"""


def upgrade() -> None:
    op.execute("""
        ALTER TABLE service_documents
            ADD COLUMN IF NOT EXISTS season_days daterange[],
            ADD COLUMN IF NOT EXISTS season_minutes int4range[],
            ADD COLUMN IF NOT EXISTS hours_unread boolean NOT NULL DEFAULT false
    """)
    # As hsds.opening.week_from: an empty range of minutes is a day on which nothing is known to be open.
    op.execute("""
        CREATE OR REPLACE FUNCTION ruta_week_from(
            usual int4multirange, days daterange[], minutes int4range[], first date
        ) RETURNS int4multirange LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT (usual + coalesce(
                       range_agg(held * int4multirange(span)) FILTER (WHERE NOT isempty(span)), '{}'))
                   - coalesce(range_agg(held) FILTER (WHERE isempty(span)), '{}')
            FROM (
                SELECT span, int4multirange(int4range(begins, ends), int4range(begins - 10080, ends - 10080))
                             * '{[0,10080)}' AS held
                FROM (
                    SELECT span, (extract(isodow FROM lower(day))::integer - 1) * 1440 AS begins,
                           (extract(isodow FROM lower(day))::integer - 1 + upper(day) - lower(day)) * 1440
                               AS ends
                    FROM (
                        SELECT span, held_on * daterange(first, first + 7) AS day
                        FROM unnest(days, minutes) AS season(held_on, span)
                    ) seasons
                    WHERE NOT isempty(day)
                ) weekdays
            ) spans
        $$
    """)
    op.execute(UNKNOWN)


def downgrade() -> None:
    op.execute("DROP FUNCTION ruta_week_from")
    for column in ("season_days", "season_minutes", "hours_unread"):
        op.drop_column("service_documents", column)
