"""The foundation of the referrals service, on which every other package builds.

Contents: case keys, the audit, notices, timers, tasks, protocols between countries, the restrictions that a restore
repeats, the copy of the directory, the vocabulary of items and purposes, row security and the lock order. This package
does not know cases, grants or referrals; the packages above reach it through domain events. Begin with
`vocabulary/disclosure.py` (what may be shared), `locking_queries.py` and `keys/sealed_columns.py`.
"""
