"""Services published together leave the same terms as services published one after the other."""

from itertools import permutations
from typing import Any

from directory.record.taxonomies.service import Terms

TERM = "0190b000-0000-7000-8000-0000000000aa"
TAXONOMY = "0190b000-0000-7000-8000-0000000000bb"


def service(words: str, level: str | None) -> dict[str, Any]:
    term = {"id": TERM, "name": words, "taxonomy_detail": {"id": TAXONOMY, "name": words}}
    plain: dict[str, Any] = {"attributes": [{"taxonomy_term": term}]}
    return {**plain, "visibility": level} if level else plain


def test_a_term_is_seen_from_the_most_open_level_in_the_words_of_the_first_service_there() -> None:
    given = [("hidden", "restricted"), ("open", None), ("also open", "public"), ("led", "pathway")]
    for order in permutations(given):
        together = Terms()
        for words, level in order:
            together.take(service(words, level))
        first = next(words for words, level in order if level in (None, "public"))
        for kept in (together.terms[TERM], together.taxonomies[TAXONOMY]):
            assert kept[0] == 0
            assert kept[1]["name"] == first
