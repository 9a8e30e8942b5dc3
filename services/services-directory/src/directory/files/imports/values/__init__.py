"""Single values as people write them in a cell: texts and numbers, opening hours, places."""
