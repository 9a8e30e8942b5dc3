"""Decides within the query which stored document a caller reads: exactly one level of each service. The rule itself is
in `common.sight`; this module contains its SQL form. A test compares both."""

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa
from common.sight import PATHWAY, RESTRICTED, Audience
from sqlalchemy.dialects.postgresql import ARRAY


def visible(columns: Any, audience: Audience) -> sa.ColumnElement[bool]:
    """Return the condition for the one document of each service that the audience reads. `columns` are those of a table
    with the columns level, organization_id, managed_by, aors and states."""
    if audience.organisation_id is None:
        condition: sa.ColumnElement[bool] = columns.level == audience.base
        return condition
    full = _full(columns, audience)
    if not audience.aors:
        return sa.or_(
            sa.and_(columns.level == RESTRICTED, full),
            sa.and_(columns.level == audience.base, sa.not_(full)),
        )
    member = _shares(columns, audience.aors, audience.states)
    return sa.or_(
        sa.and_(columns.level == RESTRICTED, full),
        sa.and_(columns.level == PATHWAY, sa.not_(full), member),
        sa.and_(columns.level == audience.base, sa.not_(full), sa.not_(member)),
    )


def _full(columns: Any, audience: Audience) -> sa.ColumnElement[bool]:
    own: sa.ColumnElement[bool] = sa.or_(
        columns.organization_id == audience.organisation_id,
        columns.managed_by == audience.organisation_id,
    )
    if not audience.coordinates:
        return own
    return sa.or_(own, _shares(columns, audience.coordinates, audience.states))


def _shares(columns: Any, aors: tuple[str, ...], states: tuple[str, ...]) -> Any:
    texts = ARRAY(sa.Text)
    shared = columns.aors.bool_op("&&")(sa.literal(list(aors), texts))
    if not states:
        return shared
    return sa.and_(shared, columns.states.bool_op("&&")(sa.literal(list(states), texts)))


def visible_sql(audience: Audience, argument: Callable[[Any, str], str], alias: str = "d") -> str:
    """Return `visible` as SQL text for the read path. `argument(value, type)` binds a value and returns its
    placeholder."""
    return either(visible_by_level(audience, argument, alias).values())


def either(conditions: Collection[str]) -> str:
    """Join the conditions with OR."""
    if len(conditions) == 1:
        return next(iter(conditions))
    return f"({' OR '.join(f'({c})' for c in conditions)})"


def visible_by_level(
    audience: Audience, argument: Callable[[Any, str], str], alias: str = "d"
) -> dict[int, str]:
    """Return `visible_sql` in parts: one condition for each level of the audience. A sorted page is faster level by
    level. Otherwise PostgreSQL scans the sort index of each level until a row matches, and at the highest level few or
    no rows match."""
    if audience.organisation_id is None:
        return {audience.base: f"{alias}.level = {audience.base}"}
    full, member = _sight(audience, argument, alias)
    base = f"{alias}.level = {audience.base} AND NOT {full}"
    restricted = f"{alias}.level = {RESTRICTED} AND {full}"
    if member is None:
        return {audience.base: base, RESTRICTED: restricted}
    return {
        audience.base: f"{base} AND NOT {member}",
        PATHWAY: f"{alias}.level = {PATHWAY} AND NOT {full} AND {member}",
        RESTRICTED: restricted,
    }


def begins_above(
    audience: Audience, argument: Callable[[Any, str], str], alias: str = "d"
) -> list[str]:
    """Return conditions for documents of services that have no document at the audience's base level."""
    full, member = _sight(audience, argument, alias)
    hidden = f"{alias}.visibility > {audience.base}"
    found = [f"{alias}.level = {RESTRICTED} AND {hidden} AND {full}"]
    if member is not None:
        found.append(f"{alias}.level = {PATHWAY} AND {hidden} AND NOT {full} AND {member}")
    return found


def _sight(
    audience: Audience, argument: Callable[[Any, str], str], alias: str
) -> tuple[str, str | None]:
    """Return (services that the audience reads in full, services in its pathways). The second is None if the audience
    coordinates all its AoRs. It then reads those services in full, so a query of the lower level would scan them and
    find nothing."""
    own = argument(audience.organisation_id, "uuid")
    full = f"({alias}.organization_id = {own} OR {alias}.managed_by = {own}"
    if audience.coordinates:
        full += " OR " + _shares_sql(audience.coordinates, audience.states, argument, alias)
    full += ")"
    if set(audience.aors) <= set(audience.coordinates):
        return full, None
    return full, _shares_sql(audience.aors, audience.states, argument, alias)


def _shares_sql(
    aors: tuple[str, ...],
    states: tuple[str, ...],
    argument: Callable[[Any, str], str],
    alias: str,
) -> str:
    shared = f"{alias}.aors && {argument(list(aors), 'text[]')}"
    if not states:
        return f"({shared})"
    return f"({shared} AND {alias}.states && {argument(list(states), 'text[]')})"
