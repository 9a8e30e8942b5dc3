"""Rules that need two people: two different subjects, whatever their roles or clients."""

from common.auth import Principal
from common.errors import SECOND_PERSON
from common.words.details import Detail


def refuse_same_person(caller: Principal, *earlier: str | None, because: Detail) -> None:
    """Raise 403 if the caller took one of the earlier steps, according to the recorded `Principal.subject`."""
    if caller.subject in earlier:
        raise SECOND_PERSON.because(because)


def refuse_alone(caller: Principal, *earlier: str | None, because: Detail) -> None:
    """Raise 403 if the caller took all the earlier steps alone."""
    if not set(earlier) - {None, caller.subject}:
        raise SECOND_PERSON.because(because)
