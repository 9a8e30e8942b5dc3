"""Which tasks are a caller's."""

from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlmodel import col

from referrals.tasks.models import Task


def own(caller: Principal) -> sa.ColumnElement[bool]:
    return col(Task.organisation_id) == caller.organisation


def readable(caller: Principal, task_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(Task.id) == task_id, own(caller))
