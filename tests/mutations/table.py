"""The rows are in drills/mutations/rows, by symbol: delete the one that you brought here, and add it there.

    Row(
        "erased-keys",                                    # the promise's id in docs/threat-model.md
        "restored-key-stays",                             # the row's own name
        "referrals.case.cases.retention:reapply_tombstones",   # module:name, or module:Class.name
        Drops("await keys.destroy(case_id)"),             # or Replaces("old", "new"), Returns("value"),
        "tests/…/test_confidentiality.py::test_…",        # Several((…)), File("path", "old", "new")
    )

`./ruta mutations restored-key-stays` plays it. This file goes once nobody's branch still adds to it.
"""
