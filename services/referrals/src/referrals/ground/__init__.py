"""The ground of referrals, on which every other wing builds.

Contents: case keys, the audit, notices, timers, tasks, protocols between countries, the restrictions that a restore
repeats, the copy of the directory, the vocabulary of items and purposes, row security and the order of locks. This
wing does not know cases, grants or referrals: those are above it and reach it by happenings. Begin with
`vocabulary/disclosure.py` (what may be shared), `locking_queries.py` and `keys/sealed_columns.py`.
"""
