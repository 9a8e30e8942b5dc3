"""Services from files: read any of the formats, map each row, report what was changed and why."""
