"""The record of the directory: what editors enter, and the documents that are shown of it.

Contents: records, services, organizations, locations, taxonomies, endorsements, documents (one per service and level),
houses (what may be a safe house), successions (who takes over from an organisation).

Editors' writes go through here, also those of imports. It does not know who searches or plans.
Begin with `documents/storing.py` (what a write stores) and `records/rights.py` (who may write).
"""
