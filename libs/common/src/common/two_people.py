"""Rules that need two people: two subjects, whatever roles or clients each may use."""

from common.auth import Principal
from common.errors import SECOND_PERSON
from common.words.details import Detail


def refuse_same_person(caller: Principal, *earlier: str | None, because: Detail) -> None:
    """403 if the caller is one of those who took an earlier part, as `Principal.subject` recorded them."""
    if caller.subject in earlier:
        raise SECOND_PERSON.because(because)


def refuse_alone(caller: Principal, *earlier: str | None, because: Detail) -> None:
    """403 if nobody but the caller took an earlier part."""
    if not set(earlier) - {None, caller.subject}:
        raise SECOND_PERSON.because(because)
