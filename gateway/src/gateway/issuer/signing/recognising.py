"""The signing keys that an issuer's database has seen: others in their place are a loss, no start."""

from common.db import key_checks
from common.db.key_checks import WrongKeys
from common.db.session import Database

from gateway.issuer.signing.ring import KeyRing

_KIND = "token-signing-key/"
_OTHERS = (
    "{folder}: the keys that sign tokens are other ones. Nothing was changed. Put them back (./ruta restore --keys-only"
    " takes them from a backup); if they are lost for good, every client needs a new token (docs/operate.md, Lost keys)"
)
_NONE = (
    "{folder}: the keys that sign tokens are not there. Nothing was changed. Put them back (./ruta restore --keys-only"
    " takes them from a backup); if they are lost for good, every client needs a new token (docs/operate.md, Lost keys)"
)


async def recognise(database: Database, ring: KeyRing) -> None:
    """Record the ring's keys; WrongKeys if none of them signed here before, though others did."""
    kids = ring.kids()
    known = {
        name.removeprefix(_KIND)
        for name in await key_checks.recorded(database)
        if name.startswith(_KIND)
    }
    if known and not known & kids:
        raise WrongKeys(_OTHERS if kids else _NONE, folder=ring.folder)
    await key_checks.record(database, {f"{_KIND}{kid}": kid for kid in ring.published_kids()})
