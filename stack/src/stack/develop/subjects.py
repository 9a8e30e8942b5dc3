"""Checks that commit subjects have at most 72 characters, so that a list of them is readable."""

import subprocess
import sys

MOST = 72
_SINCE = "2026-12-01T16:45:00Z"
"""The rule applies to commits since then."""


def too_long(root: str) -> list[str]:
    """Return the subjects that are too long. Return an empty list without a Git history."""
    told = subprocess.run(
        ["git", "log", f"--since={_SINCE}", "--format=%s"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return [subject for subject in told.stdout.splitlines() if len(subject) > MOST]


if __name__ == "__main__":
    found = [f"more than {MOST} characters: {each}" for each in too_long(sys.argv[1])]
    sys.exit("\n".join(found) or None)
