"""The foundation of the directory: the HSDS model, visibility, and how entries are read.

Contents: HSDS documents and their levels, caller access, entries with ids and history, responses and read limits, the
API's own profile, demo data. It does not know services, searches or pathways. Begin with `hsds/visibility.py` (what
each level shows) and `access.py` (which level a caller reads).
"""
