"""Errors of the stack. Each is a single line that tells a person what to do."""

from typing import Self

from stack.texts import said


class StackError(Exception):
    """An error with one line for the terminal: what is wrong and what to do. Its text is a catalogue key, filled with
    values (`stack.texts`)."""

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(said(text, **values))

    @classmethod
    def passed_on(cls, words: str) -> Self:
        """Return an error with another program's output or an already translated text."""
        error = cls.__new__(cls, words)
        error.args = (words,)
        return error


def in_one_line(error: StackError | OSError) -> str:
    """Return the error as a line for the terminal. Raise an OSError without a file name again, because it is a bug of
    ours. Other OSErrors concern a given path or the disk."""
    if isinstance(error, StackError):
        return f"ruta: {error}"
    if error.filename is None:
        raise error
    return f"ruta: {error.strerror}: {error.filename}"
