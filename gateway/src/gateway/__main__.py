"""`python -m gateway VERB` runs the front and the issuer and rotates their keys (`_COMMANDS`)."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from common.process.start import fail, say

from gateway.spoken import said


def _front() -> None:
    from gateway.front.main import serve  # noqa: PLC0415 - each command loads only its own part

    serve()


def _issuer() -> None:
    from gateway.issuer.main import serve  # noqa: PLC0415 - as above

    serve()


def _issuer_migrate() -> None:
    from gateway.issuer.main import migrate  # noqa: PLC0415 - as above

    migrate()


def _issuer_rotate_keys() -> None:
    from gateway.issuer.main import rotate_keys  # noqa: PLC0415 - as above

    rotate_keys()


def _internal_keys() -> None:
    from gateway.keys import ensure_internal_keys  # noqa: PLC0415 - as above

    ensure_internal_keys(_path("RUTA_INTERNAL_SIGNING_KEY_FILE"), _path("RUTA_INTERNAL_JWKS_FILE"))


def _internal_rotate_keys() -> None:
    from gateway.keys import rotate_internal_keys  # noqa: PLC0415 - as above

    pem, jwks = _path("RUTA_INTERNAL_SIGNING_KEY_FILE"), _path("RUTA_INTERNAL_JWKS_FILE")
    say(said("the gateway signs with {key}", key=rotate_internal_keys(pem, jwks)))


def _path(name: str) -> Path:
    return Path(os.environ.get(name) or fail(said("{setting} is missing", setting=name)))


_COMMANDS: dict[str, Callable[[], None]] = {
    "front": _front,
    "issuer": _issuer,
    "issuer-migrate": _issuer_migrate,
    "issuer-rotate-keys": _issuer_rotate_keys,
    "internal-keys": _internal_keys,
    "internal-rotate-keys": _internal_rotate_keys,
}


def main() -> None:
    command = _COMMANDS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if command is None:
        text = "choose a command: python -m {package} {verbs}"
        fail(said(text, package="gateway", verbs="|".join(_COMMANDS)))
    command()


if __name__ == "__main__":
    main()
