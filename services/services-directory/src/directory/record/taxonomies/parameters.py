"""The query parameters of taxonomies and terms."""

from uuid import UUID

from directory.ground.reading.parameters import PageQuery


class TaxonomyQuery(PageQuery):
    pass


class TermQuery(PageQuery):
    taxonomy_id: UUID | None = None
    top_only: bool = False
    parent_id: UUID | None = None
