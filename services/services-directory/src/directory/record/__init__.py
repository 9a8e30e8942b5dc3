"""The record of the directory: the entries that editors write, and the documents that readers see.

Contents: records, services, organizations, locations, taxonomies, endorsements, documents (one per service and level),
houses (possible safe houses), successions (one organisation takes over from another). Every write by an editor or an
import goes through this package. It does not know search or planning. Begin with `documents/refresh.py` (what a write
stores) and `records/rights.py` (who may write).
"""
