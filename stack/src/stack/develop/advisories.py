"""Compares the lock file with published vulnerabilities, through `uv audit`, which queries OSV."""

import os
import subprocess
import sys
from pathlib import Path

from stack.operate.supply.materials import found_uv

NOT_COMPARED = 3
"""The exit code if no advisory source is reachable: nothing was found, and nothing was proved."""
# Open advisories that do not affect us, each with its reason. Remove an exception once there is a fix.
_KNOWN = (
    # python-jose depends on ecdsa but never loads it: tests/common/test_tokens.py.
    "GHSA-wj6h-64fc-37mp",
)


def compare(root: Path) -> int:
    """Return 0 if there is no known vulnerability, or NOT_COMPARED if the comparison failed. Otherwise, uv prints its
    findings or the error."""
    source = os.environ.get("RUTA_ADVISORIES_URL")
    done = subprocess.run(
        [
            *(found_uv(), "audit", "--frozen", "--preview-features", "audit-command"),
            *(part for each in _KNOWN for part in ("--ignore-until-fixed", each)),
            *(("--service-url", source) if source else ()),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout + done.stderr)
    return NOT_COMPARED if "error sending request" in done.stderr else done.returncode


if __name__ == "__main__":
    sys.exit(compare(Path(sys.argv[1])))
