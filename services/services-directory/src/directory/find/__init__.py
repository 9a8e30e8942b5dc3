"""Service search by words, place, need and time, and copies for partners.

Contents: search (thesaurus, ranking, facets, limits), sync (snapshot and changes), webhooks (calls after a
change), name suggestions. Search reads only
documents stored at the caller's level, so it cannot reveal a hidden entry. Begin with `search/parameters.py` and
`search/page_queries.py`.
"""
