"""People can move and hide sections, and a new draft puts each section back into its place."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting.ground.language import same
from reporting.publish.bulletins.document.arrangement import arranged, movable, printed
from reporting.publish.bulletins.document.content import Content, Section, Sentence
from reporting.publish.bulletins.document.words import with_words

WORDS = {"highlights": same("palabras"), "contacts": same("nadie")}


def content(*ids: str) -> Content:
    bare = Content(
        kind="biweekly",
        period="2026-11a",
        start=date(2026, 11, 1),
        end=date(2026, 11, 15),
        title=same("t"),
        period_label=same("p"),
        standing=Sentence(text=same("s")),
        sections=tuple(
            Section(id=each, title=same(each), blocks=(Sentence(text=same("x")),))
            for each in (*ids, "sources")
        ),
    )
    return with_words(bare, WORDS)


def ids(found: Content) -> list[str]:
    return [each.id for each in found.sections]


@given(st.permutations(["a", "b", "c", "d"]), st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_an_order_is_kept_and_what_frames_it_stays(order: list[str], hidden: set[str]) -> None:
    found = arranged(content("a", "b", "c", "d"), order, hidden)
    assert ids(found) == ["highlights", *order, "contacts", "sources"]
    assert ids(printed(found)) == [name for name in ids(found) if name not in hidden]
    anew = arranged(content("a", "b", "c", "d"), movable(found), found.hidden)
    assert anew == found, "drafting again changes nothing of it"


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (["c", "a"], ["c", "a", "b"]),
        (["b", "c"], ["a", "b", "c"]),
        (["gone", "b"], ["a", "b", "c"]),
    ],
)
def test_a_section_that_is_new_stands_behind_the_one_it_was_composed_behind(
    order: list[str], wanted: list[str]
) -> None:
    found = arranged(content("a", "b", "c"), order, {"gone", "a"})
    assert list(movable(found)) == wanted
    assert found.hidden == ("a",)
