"""The shipped code lists are complete in both languages, and every referenced code exists."""

from collections.abc import Iterable

import pytest
from common.words import codelists
from common.words.codelists import Code, CodeList

LISTS: list[CodeList[Code]] = [
    codelists.categories(),
    codelists.pathways(),
    codelists.populations(),
    codelists.functional_statuses(),
    codelists.visibility_levels(),
    codelists.organisation_types(),
    codelists.languages(),
    codelists.confidential_needs(),
    *codelists.referral_attributes().values(),
]


def labels(entries: Iterable[Code]) -> list[str]:
    return [label for entry in entries for label in (entry.label_es, entry.label_en)]


@pytest.mark.parametrize("codelist", LISTS, ids=lambda each: each.name)
def test_every_entry_has_a_label_in_both_languages(codelist: CodeList[Code]) -> None:
    assert len(codelist) > 2
    assert all(label.strip() == label and label for label in labels(codelist.values()))


def test_every_category_belongs_to_a_pathway() -> None:
    pathways = codelists.pathways()
    assert {each.pathway for each in codelists.categories().values()} == set(pathways)


def test_every_category_that_is_restricted_at_least_is_a_confidential_need() -> None:
    restricted = {
        code
        for code, entry in codelists.categories().items()
        if entry.minimum_visibility == "restricted"
    }
    assert restricted <= set(codelists.confidential_needs()) <= set(codelists.categories())


def test_visibility_levels_come_from_the_most_open_to_the_most_closed() -> None:
    assert codelists.visibility_levels().codes == ("public", "partners", "pathway", "restricted")


def test_a_label_falls_back_on_the_code_that_is_in_no_list() -> None:
    assert codelists.categories().label("GBV-CM", "en") == "GBV case management"
    assert codelists.categories().label("GBV-CM", "es") == "Gestión de casos de VBG"
    assert codelists.categories().label("RETIRED-1") == "RETIRED-1"


def test_referral_attributes_answer_how_a_service_takes_referrals() -> None:
    attributes = codelists.referral_attributes()
    assert attributes["response_delay"].label("72h", "es") == "En 72 horas"
    assert "provider_calls_person" in attributes["next_step"]


def test_services_whose_place_must_stay_unknown_are_restricted_by_category() -> None:
    levels = {each.minimum_visibility for each in codelists.categories().values()}
    assert levels <= set(codelists.visibility_levels())
    assert codelists.categories()["GBV-SHELTER"].minimum_visibility == "restricted"
    assert codelists.categories()["TIP-SAFE"].minimum_visibility == "restricted"
