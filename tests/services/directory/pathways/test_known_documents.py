"""The documents that plans remember stay within their bytes."""

from uuid import uuid4

from directory.pathways.matching.candidate_rows import Known, KnownDocuments

from tests.services.directory.pathways.profiles import service


def test_services_for_the_whole_country_make_what_is_known_no_larger() -> None:
    """A document counts as large as it is: one has a site, another a site in each municipality."""
    sites = tuple((f"VE{number:04}", (8.0, -66.0)) for number in range(335))
    everywhere, most = Known(service(), sites), 10 * 2**20
    documents, keys = KnownDocuments(most), [(uuid4(), 1, "etag", "HLT") for _ in range(400)]
    for key in keys:
        documents.keep(key, everywhere)
        documents.keep(key, everywhere)  # two plans that read it at the same time
    kept = [key for key in keys if documents.get(key)]
    assert kept == keys[-len(kept) :], "those that came last"
    assert most - everywhere.size < documents.size == len(kept) * everywhere.size <= most
    assert everywhere.size > 20 * Known(service(), sites[:1]).size
