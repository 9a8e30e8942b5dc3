"""Terms from other taxonomies, and the effect of decisions on a document. Pure. Nothing is guessed: a term without a
decision adds no category, even if it has one of our codes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from common.words import codelists
from common.words.places import folded

from directory.ground.hsds.visibility import raised, without_unstorable

Document = dict[str, Any]
OWN_TAXONOMIES = "ruta-"
WORDS = "categories"
"""The taxonomy of a publisher's own words in the column `categories` of a sheet."""


class Term(NamedTuple):
    """A term. `taxonomy` and `term` are normalised for comparison; `name` is as the publisher writes it."""

    taxonomy: str
    term: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        return self.taxonomy, self.term


def term_of(taxonomy: str, code: str, name: str) -> Term:
    """Return the term, identified by its code or else its name, because ids change between editions."""
    return Term(folded(taxonomy), folded(code or name), name)


def terms_in(document: Document) -> Iterator[Term]:
    """Yield each term from other taxonomies once."""
    seen = set()
    for attribute in document.get("attributes", []):
        given = attribute.get("taxonomy_term") or {}
        taxonomy = given.get("taxonomy") or given.get("taxonomy_detail", {}).get("name") or ""
        name = given.get("name") or given.get("code") or ""
        found = term_of(taxonomy, given.get("code") or "", name)
        if found.term and not taxonomy.startswith(OWN_TAXONOMIES) and found.key not in seen:
            seen.add(found.key)
            yield found


def word_attribute(taxonomy: str, word: str) -> Document:
    """Return a publisher's word as a service attribute, which HSDS calls a term."""
    term = {"name": word, "description": word, "taxonomy": taxonomy}
    return {"link_entity": "service", "taxonomy_term": term}


def own_words(record: Document) -> list[Document]:
    """Return the publisher's own words in a record, as the sheet would contain them."""
    terms = [each.get("taxonomy_term") or {} for each in record.get("attributes", [])]
    return [word_attribute(WORDS, each["name"]) for each in terms if each.get("taxonomy") == WORDS]


Decided = Mapping[tuple[str, str], Sequence[str]]


def crosswalked(
    document: Document, own: Sequence[str], decided: Decided
) -> tuple[Document, list[str]]:
    """Return the document with the decisions on its terms applied, and the categories that they added. `own` contains
    its other categories. A category may raise the level. Removing it does not lower the level, because a person must
    review first."""
    meant = {code for term in terms_in(document) for code in decided.get(term.key, ())}
    added = sorted(meant - set(own))
    result = {**document, "categories": [*own, *added]}
    if not added:
        return result, added
    return without_unstorable(raised(result))[0], added


def without(categories: Collection[str], added: Collection[str]) -> list[str]:
    return [code for code in categories if code not in set(added)]


def is_known(code: str) -> bool:
    return code in codelists.categories()
