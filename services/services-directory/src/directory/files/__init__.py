"""Files in and out: imports, exports, and what a publisher's terms mean here.

Contents: imports (packages, workbooks, GeoJSON), exports, crosswalks.

An import writes with an editor's rights through `record`. It never opens what a person closed.
Begin with `imports/service.py` and `crosswalks/terms.py`.
"""
