"""E-mails the operator when an off-host location is unreachable. Until it is reachable again, only this machine has the
lists."""

from datetime import date
from urllib.parse import urlsplit

from common import clock
from common.messages.delivery import Message, Result
from common.messages.mail import Mail
from common.process.logs import get_logger

from referrals.settings import Settings
from referrals.telling.evidence import Evidence

_SUBJECT = "Ruta: el segundo lugar no está · the second place is away"
_TEXT = """Ruta no puede copiar sus listas a: {places}
Lo que se borre o se retire desde ahora queda solo en esta máquina. Si se pierde, una restauración puede traer de vuelta a \
personas borradas. Conecte o monte otra vez el disco; Ruta se pone al día sola.

Ruta cannot copy its lists to: {places}
What is erased or withdrawn from now on is kept on this machine alone. If it is lost, a restore may bring erased people \
back. Plug in or mount the disk again; Ruta catches up by itself.

{url}"""
_log = get_logger(__name__)


class OperatorMail:
    def __init__(self, settings: Settings, evidence: Evidence, mail: Mail | None) -> None:
        self._address, self._mail = settings.operator_mail, mail
        self._url = settings.public_url
        self._evidence = evidence
        self._told: date | None = None

    async def look(self) -> None:
        """Send one e-mail a day while the problem lasts; the next run retries a failed one. One Message-ID per day
        prevents duplicates."""
        away, today = self._evidence.places_left, clock.today()
        if not away or self._told == today or self._mail is None or self._address is None:
            return
        places = ", ".join(sorted(map(str, away)))
        message = Message(_SUBJECT, _TEXT.format(places=places, url=self._url))
        message_id = f"second-places-{urlsplit(self._url).hostname}-{today}"
        handed = await self._mail.hand_over(self._address, message, message_id)
        if handed.result is Result.LATER:
            _log.warning("operator_not_told", failure=handed.failure)
        else:
            self._told = today
