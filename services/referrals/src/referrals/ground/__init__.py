"""The ground of referrals: what every other wing stands on.

Contents: case keys, the audit, notices, timers, tasks, protocols between countries, what a restore restricts again, the
copy of the directory, the vocabulary of items and purposes, row security and the order of locks.

It does not know cases, grants or referrals: those are above it and tell it by happenings.
Begin with `vocabulary/disclosure.py` (what may be shared), `locking_queries.py` and `keys/sealing.py`.
"""
