"""Creates missing signing keys of an embedded stack: `python -m stack.embedded.key_files DATA`. It is a separate
program, so that the process that keeps the stack running does not load the cryptography libraries."""

import sys
from pathlib import Path

from gateway.keys import ensure_internal_keys, new_private_pem

from stack.embedded.layout import Layout
from stack.embedded.secrets import internal_key, push_key
from stack.private_files import write_private


def make_key_files(layout: Layout) -> None:
    ensure_internal_keys(*internal_key(layout))
    push = push_key(layout)
    if not push.exists():
        write_private(push, new_private_pem())


if __name__ == "__main__":
    make_key_files(Layout(Path(sys.argv[1])))
