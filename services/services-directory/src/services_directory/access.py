"""Which stored documents a caller reads: for each service exactly one level, decided in the query.

public: anyone · partners: any organisation with directory:read · pathway: members of one of the
service's areas of responsibility, in its state · restricted: that AoR's coordinators, and the
organisation whose service it is.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.places import Places
from sqlalchemy.dialects.postgresql import ARRAY

from services_directory.hsds.visibility import PARTNERS, PATHWAY, PUBLIC, RESTRICTED

SCOPE = "directory:read"
_MEMBERS = frozenset({Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR, Role.IM})


@dataclass(frozen=True)
class Audience:
    """`states` empty means everywhere. `aors` and `coordinates` are sorted, so that equal callers
    are equal values."""

    base: int = PUBLIC
    organisation_id: UUID | None = None
    aors: tuple[str, ...] = ()
    coordinates: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels of which this audience may meet a document."""
        if self.organisation_id is None:
            return (self.base,)
        found = {self.base, RESTRICTED}
        if self.aors:
            found.add(PATHWAY)
        return tuple(sorted(found))

    @property
    def key(self) -> str:
        """Names the audience: two callers with the same key see the same documents."""
        if self.organisation_id is None:
            return str(self.base)
        parts = (self.organisation_id, *self.aors, "/", *self.coordinates, "/", *self.states)
        return ":".join(map(str, (self.base, *parts)))


ANYONE = Audience()


@lru_cache(maxsize=4_096)
def audience_of(principal: Principal) -> Audience:
    """The same principal comes with every request of a client until its token ends."""
    if principal.anonymous or SCOPE not in principal.scopes or principal.organisation_id is None:
        return ANYONE
    member = bool(principal.roles & _MEMBERS)
    leads = Role.COORDINATOR in principal.roles
    places = Places.load()
    return Audience(
        base=PARTNERS,
        organisation_id=principal.organisation_id,
        aors=tuple(sorted(principal.aors)) if member else (),
        coordinates=tuple(sorted(principal.aors)) if leads else (),
        states=tuple(sorted({places.at_most(a, 1) for a in principal.areas if places.is_known(a)})),
    )


def visible(columns: Any, audience: Audience) -> sa.ColumnElement[bool]:
    """True for the one document of each service that the audience reads.

    `columns` are those of a table with level, organization_id, managed_by, aors and states.
    """
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
    """The same as `visible`, as SQL text for the read path; `argument(value, type)` binds a value
    and gives its placeholder. A test holds the two together."""
    return either(visible_by_level(audience, argument, alias).values())


def either(conditions: Collection[str]) -> str:
    """Any of them, as one condition."""
    if len(conditions) == 1:
        return next(iter(conditions))
    return f"({' OR '.join(f'({c})' for c in conditions)})"


def visible_by_level(
    audience: Audience, argument: Callable[[Any, str], str], alias: str = "d"
) -> dict[int, str]:
    """`visible_sql` in its parts: one condition for each level of the audience.

    A sorted page is better asked level by level. Over all of them at once PostgreSQL walks the
    sorting index of each level until a row fits, and of the highest level few do or none.
    """
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
    """Conditions on the documents that this audience sees of services of which there is nothing at
    its base level."""
    full, member = _sight(audience, argument, alias)
    hidden = f"{alias}.visibility > {audience.base}"
    found = [f"{alias}.level = {RESTRICTED} AND {hidden} AND {full}"]
    if member is not None:
        found.append(f"{alias}.level = {PATHWAY} AND {hidden} AND NOT {full} AND {member}")
    return found


def _sight(
    audience: Audience, argument: Callable[[Any, str], str], alias: str
) -> tuple[str, str | None]:
    """(the services of which the audience reads everything, those of whose pathway it is)"""
    own = argument(audience.organisation_id, "uuid")
    full = f"({alias}.organization_id = {own} OR {alias}.managed_by = {own}"
    if audience.coordinates:
        full += " OR " + _shares_sql(audience.coordinates, audience.states, argument, alias)
    full += ")"
    if not audience.aors:
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
