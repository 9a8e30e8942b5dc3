"""Files in and out: imports, exports, and the meaning of a publisher's terms.

Contents: imports (packages, workbooks, GeoJSON), exports, crosswalks. An import writes through `record` with an
editor's rights. It never reopens an entry that a person closed. Begin with `imports/service.py` and
`crosswalks/terms.py`.
"""
