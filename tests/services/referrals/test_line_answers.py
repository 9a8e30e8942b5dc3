"""The desk's opening answers exist in both languages, only for known kinds, and make no promises."""

import re

import pytest
from common.words.languages import LANGUAGES
from referrals.listening.line.kinds import EVERY, for_kind, kinds, prepared

from tests.services.referrals.line_words import GBV, TIP
from tests.services.referrals.story import Story

PROMISES = re.compile(r"\b(prometemos|garantizamos|aseguramos|promise|guarantee)\b", re.IGNORECASE)


def test_each_is_told_in_both_languages_for_a_kind_that_there_is() -> None:
    assert len({each.code for each in prepared()}) == len(prepared())
    assert {each.kind for each in prepared()} <= {*kinds(), EVERY}
    for each in prepared():
        for text in each.texts.values():
            assert 20 < len(text) < 400, each.code
            assert not PROMISES.search(text), each.code
        assert len({*each.texts.values()}) == len(LANGUAGES)


@pytest.mark.parametrize("kind", list(kinds()))
def test_those_of_the_kind_come_first_and_none_of_another(kind: str) -> None:
    found = [each.kind for each in for_kind(kind)]
    own = found.count(kind)
    assert found == [kind] * own + [EVERY] * (len(found) - own)
    assert EVERY in found


async def test_the_desk_reads_them_and_nobody_else(story: Story) -> None:
    for who in (TIP, GBV):
        listed = (await story.get(who, "/line/answers?kind=child")).json()
        assert listed[0]["code"] == "child_with_whom"
        assert set(listed[0]) == {"code", "kind", "es", "en"}
    assert (await story.get("ngo-refugio", "/line/answers")).status_code == 403
    assert (await story.get(TIP, "/line/answers?kind=nothing")).status_code == 422
