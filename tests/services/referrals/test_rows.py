"""Rows that are made beside the mapper are those that it would have made."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from referrals.cases.models import Case
from referrals.consents.models import Grant
from referrals.referrals.models import Referral
from referrals.tables import Row


def whole(kind: type[Row]) -> dict[str, Any]:
    """A value for each field that has no default; a mapped table looks at none of them."""
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    return {name: UUID(int=at) for at, name in enumerate(needed)}


@pytest.mark.parametrize("kind", [Case, Grant, Referral])
def test_a_row_is_as_one_that_was_made_field_by_field(kind: type[Row]) -> None:
    made, plain = kind.of(**whole(kind)), kind(**whole(kind))
    assert {name: getattr(made, name) for name in kind.model_fields} == {
        name: getattr(plain, name) for name in kind.model_fields
    }


def test_it_is_changed_like_any_other() -> None:
    made = Referral.of(**whole(Referral))
    made.sent_at = datetime(2026, 3, 1, tzinfo=UTC)
    assert (made.sent_at.year, made.grant_id) == (2026, None)
    assert sa.inspect(made).attrs.sent_at.history.added == [made.sent_at]
    with pytest.raises(ValueError, match="soul"):
        made.soul = 1
    assert Referral.of(**whole(Referral)).sent_at is None


@pytest.mark.parametrize("change", [{"soul": 1}, {"id": ...}])
def test_a_name_too_many_or_too_few_is_refused(change: dict[str, Any]) -> None:
    values = {name: v for name, v in {**whole(Referral), **change}.items() if v is not ...}
    with pytest.raises(TypeError, match=next(iter(change))):
        Referral.of(**values)
