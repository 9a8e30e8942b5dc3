"""Rules that need two people: two different subjects, whatever their roles or clients."""

from common.auth import Principal
from common.errors import SECOND_PERSON
from common.words.details import Detail


def is_same_person(caller: Principal, *earlier: str | None) -> bool:
    """Return whether the caller took one of the earlier steps, according to the recorded `Principal.subject`."""
    return caller.subject in earlier


def is_alone(caller: Principal, *earlier: str | None) -> bool:
    """Return whether the caller took all the earlier steps."""
    return not set(earlier) - {None, caller.subject}


def refuse_same_person(caller: Principal, *earlier: str | None, because: Detail) -> None:
    """Raise 403 if the caller took one of the earlier steps."""
    if is_same_person(caller, *earlier):
        raise SECOND_PERSON.because(because)


def refuse_alone(caller: Principal, *earlier: str | None, because: Detail) -> None:
    """Raise 403 if the caller took all the earlier steps alone."""
    if is_alone(caller, *earlier):
        raise SECOND_PERSON.because(because)
