"""What an organisation is written about its entries. It names those that anybody may know of. Pure."""

from collections.abc import Sequence
from datetime import date

from common.messages.handing import Message

_SUBJECT = "Ruta: verifique sus fichas / verify your entries"
# In both languages: nobody asked an organisation which one it reads.
_TEXT = """Verifique de nuevo las fichas de su organización en el directorio. Una ficha que no se verifica a tiempo
deja de recibir remisiones. {address}

Please verify your organisation's entries in the directory again. An entry that is not verified in time
receives no more referrals. {address}
"""


def verify(entries: Sequence[tuple[str, date]], address: str) -> Message:
    """`entries`: public ones, each with the day until which it holds; `address`: the front's."""
    listed = "\n".join(f"- {name}: {until.isoformat()}" for name, until in entries)
    return Message(_SUBJECT, f"{_TEXT.format(address=address)}\n{listed}".strip())
