"""Errors around the processes, each as one line that a person can act on."""

from typing import Self

from stack.wording import said


class StackError(Exception):
    """The message is one line for the terminal: what is wrong and what to do. A text of the catalogues, and what stands
    in its places (`stack.wording`)."""

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(said(text, **values))

    @classmethod
    def passed_on(cls, words: str) -> Self:
        """The output of another program, or a text already translated: nobody here translates it."""
        error = cls.__new__(cls, words)
        error.args = (words,)
        return error


def in_one_line(error: StackError | OSError) -> str:
    """For the terminal. An OSError that names no file is raised again: it is ours to mend, where the others are a path
    that somebody gave, or a disk."""
    if isinstance(error, StackError):
        return f"ruta: {error}"
    if error.filename is None:
        raise error
    return f"ruta: {error.strerror}: {error.filename}"
